# What the archive is linked with; nothing here is part of the public headers. Installed too, as a
# host of a static libcontrolplane.a needs the same.

include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(simdjson)
find_dependency(OpenSSL COMPONENTS Crypto)
find_dependency(Threads)

# By pkg-config: its CMake package wants the pull and push parts as well (civetweb, curl, zlib).
find_dependency(PkgConfig)
pkg_check_modules(prometheus_core QUIET IMPORTED_TARGET GLOBAL prometheus-cpp-core)
if(NOT TARGET PkgConfig::prometheus_core)
  set(controlplane_FOUND FALSE)
  set(controlplane_NOT_FOUND_MESSAGE "pkg-config does not know prometheus-cpp-core")
  if(controlplane_FIND_REQUIRED)
    message(FATAL_ERROR "controlplane: ${controlplane_NOT_FOUND_MESSAGE}")
  endif()
  return()
endif()
