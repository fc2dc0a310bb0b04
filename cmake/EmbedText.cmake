# A text file as a function that returns it as a string_view: run as
#
#   cmake -DINPUT=… -DOUTPUT=….cc -DHEADER=report/embedded.h -DNAMESPACE=longscroll::report -DNAME=page_css -P …
#
# The function is declared in HEADER.
file(READ "${INPUT}" text)
string(FIND "${text}" ")embedded\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "${INPUT} must not hold the raw string's own end")
endif()
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"

namespace ${NAMESPACE} {

std::string_view ${NAME}() {
  return R\"embedded(${text})embedded\";
}

}  // namespace ${NAMESPACE}
")
