# longscroll_embed_text(LIST NAMESPACE HEADER FUNCTION FILE)
#
# Links FILE into the layer: appends to LIST a generated source in which NAMESPACE::FUNCTION(), declared in HEADER,
# returns the file's text as a string_view.
function(longscroll_embed_text list namespace header function file)
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${function}.cc")
  set(script "${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DINPUT=${file}" "-DOUTPUT=${output}" "-DHEADER=${header}"
            "-DNAMESPACE=${namespace}" "-DNAME=${function}" -P "${script}"
    DEPENDS "${file}" "${script}" VERBATIM)
  set(${list} ${${list}} "${output}" PARENT_SCOPE)
endfunction()
