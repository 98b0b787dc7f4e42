//! Tests of the library and of the modules' real binaries.

mod arguments;
