//! One integration binary: black-box tests of the parts together.

mod fixed_ports;
mod pages;
