//! `__module__` against the stand-in server: create, again, change, again, delete, again, each in
//! check mode and then for real.

use std::process::Command;

#[test]
fn the_binary_prints_its_documentation() {
    let output = Command::new(env!("CARGO_BIN_EXE___module__"))
        .arg("--doc")
        .output()
        .expect("the module's binary must start");
    assert!(String::from_utf8_lossy(&output.stdout).contains("module: __module__"));
}
