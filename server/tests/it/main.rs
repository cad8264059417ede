
mod market;
mod models;
mod publish;
