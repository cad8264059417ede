//! How a figure was made, down to the vendor's bytes, and which published figures moved since.

pub mod api;
pub mod figures;
pub mod model;
pub mod page;
pub mod recipe;
pub mod restated;
