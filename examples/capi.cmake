# Hosts of the C interface, the same little story in each language: an agent is registered, reviews three
# files, and somebody watches. run.sh builds those that CMake does not.
enable_language(C)

function(controlplane_c_example name source)
  add_executable(${name} ${source})
  target_compile_options(${name} PRIVATE -std=c99 -Wall -Wextra -pedantic)
  target_compile_definitions(${name} PRIVATE _POSIX_C_SOURCE=200809L)
  target_link_libraries(${name} PRIVATE controlplane::capi Threads::Threads)
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
endfunction()

controlplane_c_example(c_quick_start c/quick_start.c)
controlplane_c_example(c_review c/review.c)

# controlplane_story_test(<language> COMMAND <command>...) passes if the story was told to its end.
function(controlplane_story_test language)
  add_test(NAME examples.${language} ${ARGN})
  set_tests_properties(examples.${language} PROPERTIES TIMEOUT 300
    PASS_REGULAR_EXPRESSION "task\\.completed.*\n3 files reviewed")
endfunction()

if(CONTROLPLANE_TESTS)
  add_test(NAME examples.c_quick_start COMMAND c_quick_start)
  set_tests_properties(examples.c_quick_start PROPERTIES TIMEOUT 60
    PASS_REGULAR_EXPRESSION "\"verdict\":\"fine\"")
  controlplane_story_test(c COMMAND c_review)

  # A sanitized library is not for programs of other compilers.
  if(CONTROLPLANE_INSTALL)
    foreach(language go rust node)
      controlplane_story_test(${language}
        COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/run.sh" ${language}
          "${CMAKE_CURRENT_SOURCE_DIR}/${language}" $<TARGET_FILE:controlplane_capi>
          "${controlplane_SOURCE_DIR}/capi/include" "${CMAKE_CURRENT_BINARY_DIR}/${language}")
    endforeach()
  endif()
endif()
