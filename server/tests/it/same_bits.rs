//! Every measure is the same number on the server and in the browser, to the last bit.

#[path = "../../../frontend/examples/same_bits/cases.rs"]
mod cases;

use std::{path::Path, process::Command};

/// Half of them series of returns, the rest payments and attributions.
const CASES: u32 = 600;

#[test]
fn native_and_wasm_agree_to_the_last_bit() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = Command::new("scripts/same-bits.sh").arg(CASES.to_string()).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (native, wasm) = (cases::lines(CASES), String::from_utf8(output.stdout).unwrap());
    assert_eq!(native.lines().count(), wasm.lines().count());
    let numbers = native.split_whitespace().filter(|word| word.len() == 16 && u64::from_str_radix(word, 16).is_ok()).count();
    assert!(numbers > 30_000, "only {numbers} numbers were compared");
    for (native, wasm) in native.lines().zip(wasm.lines()) {
        let apart = native.split(' ').zip(wasm.split(' ')).enumerate().find(|(_, (native, wasm))| native != wasm);
        assert_eq!(apart, None, "case {}", native.split(' ').next().unwrap_or_default());
    }
}
