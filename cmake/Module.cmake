# wf_module(NAME SOURCES ... [LIBRARIES ...]): one folder of src/ as an object
# library wf_NAME.  wf_library(): all of them as libwhyface.

include(CMakePackageConfigHelpers)

define_property(GLOBAL PROPERTY WF_MODULES)
define_property(GLOBAL PROPERTY WF_LIBRARIES)

add_library(wf_flags INTERFACE)
target_include_directories(wf_flags INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_compile_options(wf_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -Wno-format-truncation -fno-common
    -Wno-missing-field-initializers # rows of tables end where theirs do
    $<$<BOOL:${WF_WERROR}>:-Werror>)
if(WF_SANITIZER)
    target_compile_options(wf_flags INTERFACE
        -fsanitize=${WF_SANITIZER} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(wf_flags INTERFACE -fsanitize=${WF_SANITIZER})
endif()
if(WF_FUZZ)
    target_compile_options(wf_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(wf_module name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_library(wf_${name} OBJECT ${arg_SOURCES})
    target_include_directories(wf_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    target_compile_definitions(wf_${name} PRIVATE WF_BUILDING _POSIX_C_SOURCE=200809L)
    target_link_libraries(wf_${name} PRIVATE wf_flags ${arg_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY WF_MODULES wf_${name})
    set_property(GLOBAL APPEND PROPERTY WF_LIBRARIES ${arg_LIBRARIES})
endfunction()

# libwhyface.so for users, and wf_all: the same objects for tests that look
# inside.
function(wf_library)
    get_property(modules GLOBAL PROPERTY WF_MODULES)
    get_property(libraries GLOBAL PROPERTY WF_LIBRARIES)
    list(REMOVE_DUPLICATES libraries)
    add_library(whyface SHARED)
    add_library(whyface::whyface ALIAS whyface)
    add_library(wf_all STATIC)
    foreach(target whyface wf_all)
        foreach(module ${modules})
            target_sources(${target} PRIVATE $<TARGET_OBJECTS:${module}>)
        endforeach()
        target_link_libraries(${target} PRIVATE
            wf_flags ${libraries} Threads::Threads m)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    endforeach()
    set_target_properties(whyface PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION 0
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
    target_link_options(whyface PRIVATE -Wl,--no-undefined -Wl,--as-needed)
    install(FILES ${CMAKE_SOURCE_DIR}/include/whyface.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
    install(TARGETS whyface EXPORT whyface
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT library NAMELINK_COMPONENT dev)
    wf_package_files()
endfunction()

# How other builds find an installed libwhyface: pkg-config's whyface.pc, and
# find_package(whyface) with its target whyface::whyface.
function(wf_package_files)
    set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/whyface)
    install(EXPORT whyface NAMESPACE whyface:: FILE whyface-config.cmake
        DESTINATION ${destination} COMPONENT dev)
    write_basic_package_version_file(whyface-config-version.cmake
        COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/whyface-config-version.cmake
        DESTINATION ${destination} COMPONENT dev)
    # Relative, so that 'cmake --install --prefix' may choose another place.
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    configure_file(${CMAKE_SOURCE_DIR}/cmake/whyface.pc.in whyface.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/whyface.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()
