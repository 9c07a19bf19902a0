# wf_embed(TARGET NAME FILE): the file's bytes become a part of the target, as
#     extern const char NAME[];       (a NUL follows the bytes)
#     extern const size_t NAME_size;  (without that NUL)
# declared by the header "embedded/NAME.h", and are made anew when the file
# changes.  This file is also the script that does it.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(WF_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

    function(wf_embed target name file)
        get_filename_component(file ${file} ABSOLUTE)
        set(folder ${CMAKE_CURRENT_BINARY_DIR}/embed)
        set(outputs ${folder}/embedded/${name}.c ${folder}/embedded/${name}.h)
        add_custom_command(OUTPUT ${outputs}
            COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D FILE=${file}
                -D FOLDER=${folder}/embedded -P ${WF_EMBED_SCRIPT}
            DEPENDS ${file} ${WF_EMBED_SCRIPT}
            COMMENT "Embedding ${name}" VERBATIM)
        target_sources(${target} PRIVATE ${outputs})
        target_include_directories(${target} PRIVATE ${folder})
    endfunction()
    return()
endif()

# Each byte as '\xHH', 24 of them in a string literal.
file(READ ${FILE} bytes HEX)
set(digits "[0-9a-f]")
string(REPEAT "${digits}" 48 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "(${digits}${digits})" "\\\\x\\1" bytes "${bytes}")
string(REGEX REPLACE "([^\n]+)" "    \"\\1\"" bytes "${bytes}")

file(WRITE ${FOLDER}/${NAME}.h "#include <stddef.h>

extern const char ${NAME}[];
extern const size_t ${NAME}_size;
")
file(WRITE ${FOLDER}/${NAME}.c "#include \"embedded/${NAME}.h\"

const char ${NAME}[] =
    \"\"
${bytes};
const size_t ${NAME}_size = sizeof(${NAME}) - 1;
")
