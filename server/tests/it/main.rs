
mod account;
mod store;
mod visitor;
