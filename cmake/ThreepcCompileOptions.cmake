# Compile options of everything in this tree (not of out-of-tree plugins, beyond threepc::sdk's own).

add_library(threepc_options INTERFACE)
target_compile_options(threepc_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
                       # g++ 12 warns wrongly about "literal" + std::string (its bug 105651).
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(THREEPC_SANITIZE)
  target_compile_options(threepc_options INTERFACE -fsanitize=${THREEPC_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer
                         # GCC's manual: sanitizers make this warning wrong more often (here: in <regex>).
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(threepc_options INTERFACE -fsanitize=${THREEPC_SANITIZE})
  add_library(threepc_sanitizer_options OBJECT ${CMAKE_CURRENT_LIST_DIR}/sanitizer_options.c)
  target_link_libraries(
    threepc_options INTERFACE
    "$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:threepc_sanitizer_options>>")
endif()
