// The least that proves a host compiled against the headers, linked the library and ran it.
#include <controlplane/controlplane.hpp>

int main() {
  auto plane = controlplane::Coordinator::open({.store_url = "memory://"}).value();
  auto id = plane.submit_task({.task_type = "greet", .payload = R"({"name":"host"})"}).value();
  return plane.get_task(id).value().task_type == "greet" ? 0 : 1;
}
