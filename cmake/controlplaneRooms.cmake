# controlplane_room(<name> SOURCES ... [USES <room>...] [LINKS <library>...] [HEADERS <library>...])
#
# A room is the static library controlplane_<name> made of the calling directory. Its headers are
# included as "<name>/...", and only by a target that links it: each room has an include root of its
# own that holds nothing but a link back to the room.
#
# LINKS is what a host of the archive has to link as well; HEADERS is header-only, so no host needs it.
function(controlplane_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "SOURCES;USES;LINKS;HEADERS")
  set(target controlplane_${name})
  list(TRANSFORM room_USES PREPEND controlplane_)

  add_library(${target} STATIC ${room_SOURCES})
  target_link_libraries(${target}
    PUBLIC controlplane_headers ${room_USES}
    PRIVATE ${room_LINKS} ${room_HEADERS})
  controlplane_include_as(${target} ${name})
  controlplane_compile_as_room(${target})
  # A host that adds us compiles without it, and so does a test: it finds the source that relies on
  # this for an include.
  if(PROJECT_IS_TOP_LEVEL)
    target_precompile_headers(${target} REUSE_FROM controlplane_precompiled)
  endif()

  # libcontrolplane is the sum of the rooms.
  target_sources(controlplane PRIVATE $<TARGET_OBJECTS:${target}>)
  target_link_libraries(controlplane PRIVATE ${room_LINKS})
endfunction()

# What must be equal for all objects of the library and its precompiled header.
function(controlplane_compile_as_room target)
  # A broken invariant must stop a release build too. In every room, not only in the engine: its
  # headers are compiled in all of them, and of several copies of a function the linker keeps one.
  target_compile_options(${target} PRIVATE -UNDEBUG)
  # The same objects go into the shared library of the C interface, or the host's own.
  if(BUILD_SHARED_LIBS OR CONTROLPLANE_CAPI)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    # Nobody replaces a function of ours in a running process: the compiler may inline across it.
    target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  endif()
endfunction()

# Makes the files of the calling directory reachable as "<name>/..." for those that link <target>, or
# with PRIVATE as a third argument only for itself.
function(controlplane_include_as target name)
  set(root "${controlplane_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${root}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/${name}" SYMBOLIC)
  if(NOT ARGN)
    set(ARGN PUBLIC)
  endif()
  target_include_directories(${target} ${ARGN} "${root}")
endfunction()
