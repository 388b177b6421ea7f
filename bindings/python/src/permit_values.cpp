// Pools and permits, as Python classes.
#include "bindings.hpp"
#include "value.hpp"

namespace controlplane::python {
namespace {

template <class T>
py::object list_of(const std::vector<T>& values) {
  py::list all;
  for (const T& value : values) all.append(held(T(value)));
  return all;
}

// A member of the pool's spec as a field of the pool, and a member of a base as one of the class.
template <auto member>
Field<Pool> spec_field(const char* name, const char* doc) {
  return {name, doc, [](const Pool& it) { return to_python(it.spec.*member); },
          [](Pool& it, const char* what, py::handle from) { assign(it.spec.*member, what, from); }};
}

template <class T, auto member>
Field<T> base_field(const char* name, const char* doc) {
  return {name, doc, [](const T& it) { return to_python(it.*member); },
          [](T& it, const char* what, py::handle from) { assign(it.*member, what, from); }};
}

}  // namespace

template <>
const std::vector<Field<Pool>>& fields_of<Pool>() {
  using T = Pool;
  using S = PoolSpec;
  static const auto* const fields = new std::vector<Field<T>>{
      spec_field<&S::name>("name", "Its name."),
      spec_field<&S::kind>("kind", "A PoolKind."),
      spec_field<&S::capacity>("capacity", "Of what there is; UNLIMITED. Not of number pools."),
      spec_field<&S::first>("first", "Of a number pool: its first number."),
      spec_field<&S::last>("last", "Of a number pool: its last number."),
      spec_field<&S::period>("period", "Of a window, in seconds."),
      spec_field<&S::weights>("weights", "Owners and their weights; empty: first come."),
      field<&T::used>("used", "Held now; of a window: in the last period; of a budget: in all."),
      field<&T::available>("available", "May be granted now; UNLIMITED."),
      field<&T::debt>("debt", "Used beyond the capacity."),
      field<&T::permits>("permits", "That are out."),
      field<&T::waiting>("waiting", "Who waits for a permit."),
      field<&T::granted_total>("granted_total", "Permits, since it was defined."),
      field<&T::expired_total>("expired_total", "Permits, since it was defined."),
  };
  return *fields;
}

template <>
const std::vector<Field<PermitPart>>& fields_of<PermitPart>() {
  using T = PermitPart;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::pool>("pool", "Its name."),
      field<&T::amount>("amount", "So much of it."),
      Field<T>{"numbers", "Of a number pool: which.",
               [](const T& it) { return to_python(it.numbers); },
               [](T& it, const char* what, py::handle from) {
                 for (const py::handle number : from) it.numbers.push_back(count(what, number));
               }},
  };
  return *fields;
}

template <>
const std::vector<Field<Permit>>& fields_of<Permit>() {
  using T = Permit;
  static const auto* const fields = new std::vector<Field<T>>{
      base_field<T, &T::fence>(
          "fence", "Its number: higher than that of every earlier permit of the tenant."),
      base_field<T, &T::owner>("owner", "Whose it is."),
      Field<T>{"parts", "What it holds of each pool: a list of PermitPart.",
               [](const T& it) { return list_of(it.parts); },
               [](T& it, const char*, py::handle from) {
                 for (const py::handle part : from) it.parts.push_back(value_of<PermitPart>(part));
               }},
      time_field<&T::acquired_at>("acquired_at", "When it was granted."),
      time_field<&T::expires_at>("expires_at", "When it frees itself, unless it is renewed."),
  };
  return *fields;
}

template <>
const std::vector<Field<LeaseHolder>>& fields_of<LeaseHolder>() {
  using T = LeaseHolder;
  static const auto* const fields = new std::vector<Field<T>>{
      field<&T::owner>("owner", "Who holds it."),
      field<&T::fence>("fence", "Higher than that of every earlier holder."),
      time_field<&T::expires_at>("expires_at", "When it is over, unless it is renewed."),
  };
  return *fields;
}

void bind_permit_values(py::module_& module) {
  bind_value<Pool>(module, "aragora_cp.Pool", "A pool of permits, and how it stands.");
  bind_value<PermitPart>(module, "aragora_cp.PermitPart", "What a permit holds of one pool.");
  bind_value<Permit>(module, "aragora_cp.Permit",
                     "A leased share of one or more pools. `fence` and `owner` name it.");
  bind_value<LeaseHolder>(module, "aragora_cp.LeaseHolder", "Who holds a named lease.");
}

}  // namespace controlplane::python
