//! Building blocks of pages: each state, figure, field and picture is drawn in one place.

mod bob;
mod chart;
mod context;
mod drawn;
mod field;
mod figure;
mod icon;
mod loaded;
mod spark;
mod write;

pub use bob::{Explained, RestatedChip, restated_chip};
pub use chart::{ChartBox, Options};
pub use context::{PageStatus, Refresh, Theme, use_scope};
pub use drawn::Drawn;
pub use field::{Field, Select};
pub use figure::{Delta, DeltaMoney, Leaning, Undef};
pub use icon::{Bob, Icon, Why, WhyAt};
pub use loaded::{Empty, Loaded, Problem};
pub use spark::Spark;
pub use write::{Outcome, Refused, use_write, use_write_if};
