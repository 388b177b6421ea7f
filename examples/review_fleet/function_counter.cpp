#include "function_counter.hpp"

namespace review {
namespace {

// The programs call opened(name, line) and closed(line).
constexpr const char* kCommon = R"awk(
function opened(name, line) { inside = 1; begin = line; title = name }
function closed(line) {
  if (!inside) return
  inside = 0; functions++
  if (line - begin + 1 > longest) { longest = line - begin + 1; longest_title = title }
}
END { closed(last); print functions + 0, longest + 0, longest_title }
)awk";

// A block is a function if what stands before its brace ends like a parameter list with qualifiers.
// Texts and comments are blanked first, as they may hold braces.
constexpr const char* kBraces = R"awk(
function code_of(s) {
  gsub(/\\./, "", s); gsub(/[0-9]'[0-9]/, "00", s)
  gsub(/"[^"]*"/, "\"\"", s); gsub(/'[^']*'/, "''", s)
  sub(/\/\/.*/, "", s); gsub(/\/\*[^*]*\*+([^\/*][^*]*\*+)*\//, "", s)
  return s
}
function is_function(head) {
  if (head ~ /^[ \t]*(if|for|while|switch|else|do|catch|return)[^A-Za-z0-9_]/) return 0
  return head ~ /\)[ \t]*((const|noexcept|override|final|mutable|try|&|&&)[ \t]*|->[^()]*)*$/
}
function name_of(head) {
  if (!match(head, /[A-Za-z_~][A-Za-z0-9_:~]*[ \t]*\(/)) return "(unnamed)"
  head = substr(head, RSTART, RLENGTH - 1); sub(/[ \t]+$/, "", head)
  return head
}
{
  last = NR
  code = code_of($0)
  if (comment) { if (!match(code, /\*\//)) next; code = substr(code, RSTART + 2); comment = 0 }
  if (match(code, /\/\*/)) { code = substr(code, 1, RSTART - 1); comment = 1 }
  if (code ~ /^[ \t]*#/) next
  while (match(code, /[{};]/)) {
    head = head " " substr(code, 1, RSTART - 1); brace = substr(code, RSTART, 1)
    code = substr(code, RSTART + 1)
    if (brace == "{") {
      depth++
      if (!inside && is_function(head)) { opened(name_of(head), NR); level = depth }
    }
    if (brace == "}") {
      if (inside && level == depth) closed(NR)
      if (depth > 0) depth--
    }
    head = ""
  }
  head = head " " code
}
)awk";

// By layout, as the braces of ${...} and of texts need not be balanced.
constexpr const char* kShell = R"awk(
{ last = NR; match($0, /^[ \t]*/); indent = RLENGTH; code = substr($0, indent + 1) }
!inside && match(code, /^(function[ \t]+)?[A-Za-z_][A-Za-z0-9_.:-]*[ \t]*\(\)/) {
  title = substr(code, 1, RLENGTH); gsub(/^function[ \t]+|[ \t]*\(\)$/, "", title)
  opened(title, NR); level = indent
  if (code ~ /[})][ \t]*$/ && code !~ /\(\)[ \t]*$/) closed(NR)
  next
}
inside && indent == level && code ~ /^[})]/ { closed(NR) }
)awk";

constexpr const char* kIndentation = R"awk(
/^[ \t]*(#|$)/ { next }
{
  match($0, /^[ \t]*/); indent = RLENGTH
  if (inside && indent <= level) closed(last)
  if (!inside && match($0, /^[ \t]*(async[ \t]+)?def[ \t]+/)) {
    title = substr($0, RLENGTH + 1); sub(/[^A-Za-z0-9_].*/, "", title)
    opened(title, NR); level = indent
  }
  last = NR
}
)awk";

}  // namespace

std::string function_counter(Language language) {
  switch (language) {
    case Language::c:
    case Language::cxx:
      return std::string(kBraces) + kCommon;
    case Language::python:
      return std::string(kIndentation) + kCommon;
    case Language::shell:
      return std::string(kShell) + kCommon;
    case Language::other:
      return {};
  }
  return {};
}

}  // namespace review
