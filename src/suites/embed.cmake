# cmake -DOUT=FILE.cc -DSUITES="a.json;b.json" -DNEEDLES=FILE -P embed.cmake
# Writes the suites' texts as C++: one raw literal each (their delimiter occurs in no suite).
set(body "// Made by src/suites/embed.cmake from suites/.\n#include \"suites/suite_spec.h\"\n\nnamespace longscroll {\n\n")
string(APPEND body "const std::vector<BuiltinSuite>& builtin_suites() {\n  static const std::vector<BuiltinSuite> kSuites = {\n")
foreach(file IN LISTS SUITES)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(APPEND body "    {\"${name}\", R\"suite(${text})suite\"},\n")
endforeach()
file(READ "${NEEDLES}" text)
string(APPEND body "  };\n  return kSuites;\n}\n\nstd::string_view builtin_needles() { return R\"suite(${text})suite\"; }\n\n}  // namespace longscroll\n")
file(WRITE "${OUT}" "${body}")
