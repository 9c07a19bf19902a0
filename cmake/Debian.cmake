# Debian packages, which scripts/package builds with WF_DEBIAN: libwhyface0 (the
# library), whyface (the command, its manual and documents), libwhyface-dev, and
# python3-whyface where install rules of a component 'python' exist.  This file
# comes after all install rules.

# What a package calls itself, and who made it.
set(maintainer "whyface contributors <whyface@localhost>")
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
    set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(release 1)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
string(TIMESTAMP year "%Y" UTC)

# copyright and changelogs, in every package's own folder.
function(wf_debian_documents component package)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/debian/${package})
    file(READ ${CMAKE_SOURCE_DIR}/NOTICE notice)
    string(REGEX REPLACE "\n([^\n])" "\n \\1" notice "${notice}")
    string(REGEX REPLACE "\n(\n+)" "\n .\n" notice "${notice}")
    string(STRIP "${notice}" notice)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/debian-copyright.in
        ${folder}/copyright @ONLY)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/debian-changelog.in
        ${folder}/changelog.Debian @ONLY)
    execute_process(COMMAND ${GZIP} -9 -n -c ${folder}/changelog.Debian
        OUTPUT_FILE ${folder}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${GZIP} -9 -n -c ${CMAKE_SOURCE_DIR}/CHANGELOG.md
        OUTPUT_FILE ${folder}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${folder}/copyright ${folder}/changelog.gz
            ${folder}/changelog.Debian.gz
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
        COMPONENT ${component})
endfunction()

# wf_debian_package(COMPONENT PACKAGE SECTION SUMMARY TEXT [DEPENDS])
macro(wf_debian_package component package section summary text)
    wf_debian_documents(${component} ${package})
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
    set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${text}")
    set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${ARGN}")
    list(APPEND CPACK_COMPONENTS_ALL ${component})
endmacro()

set(same "(= ${PROJECT_VERSION}-${release})")
get_cmake_property(components COMPONENTS)
set(CPACK_COMPONENTS_ALL)
wf_debian_package(library libwhyface0 libs
    "explanations of face recognition, shared library"
    "Explains why a face recognition model finds two faces similar, by saliency
maps of any ONNX model: detection and alignment of faces, embeddings, methods
of explanation, and their evaluation by Deletion and Insertion.")
wf_debian_package(runtime whyface science
    "explains why a face recognition model says that two faces match"
    "Draws which regions of two faces made a face recognition model find them
similar, for any ONNX model and by many published methods; compares faces, and
judges such maps and the methods that make them.
.
Models and face detectors are not part of the package."
    "libwhyface0 ${same}")
wf_debian_package(dev libwhyface-dev libdevel
    "explanations of face recognition, development files"
    "Header, pkg-config file, CMake package and examples of libwhyface."
    "libwhyface0 ${same}")
if(python IN_LIST components)
    wf_debian_package(python python3-whyface python
        "explanations of face recognition, Python package"
        "Python module whyface over libwhyface, with NumPy arrays in and out."
        "libwhyface0 ${same}, python3, python3-numpy")
    set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
    set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
        ${CMAKE_SOURCE_DIR}/cmake/debian-python/postinst
        ${CMAKE_SOURCE_DIR}/cmake/debian-python/prerm)
endif()

# What the dynamic linker knows has changed.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/debian/triggers
    "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_BINARY_DIR}/debian/triggers)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME whyface)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGE_CONTACT "${maintainer}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS
    "python3-torch, python3-numpy, chromium, bash-completion")
include(CPack)
