//! The measures of made-up inputs as the browser's half computes them; `server/tests/it/same_bits.rs` holds them beside the server's.

mod cases;

use wasm_bindgen::prelude::wasm_bindgen;

/// A line a case, every number as its bits.
#[wasm_bindgen]
pub fn lines(count: u32) -> String {
    cases::lines(count)
}
