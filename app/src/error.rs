//! `AppError`: the only error a person can meet. Every variant is one plain sentence with a next step.

use leptos::{prelude::FromServerFnError, server_fn::codec::JsonEncoding, server_fn::error::ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What is wrong with one field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name as in the form.
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    #[error("Please sign in to see this.")]
    SignInRequired,
    #[error("This is for administrators. Ask one to do it, or to make you one.")]
    NotAllowed,
    #[error("There is nothing here, or it isn't yours. Choose another from the list.")]
    NotFound,
    /// A form's fields, each with what to do.
    #[error("{}", .0.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    /// The request itself is wrong, in a sentence that says what to do.
    #[error("{0}")]
    Refused(String),
    #[error("Something went wrong on our side. Try again; if it stays, tell the administrator reference {reference}.")]
    Internal { reference: String },
    #[error("The server can't be reached. Check the connection and try again.")]
    Unreachable,
}

impl AppError {
    /// The HTTP status of each, set in this one place.
    pub fn status(&self) -> u16 {
        match self {
            Self::SignInRequired => 401,
            Self::NotAllowed => 403,
            Self::NotFound => 404,
            Self::Invalid(_) | Self::Refused(_) => 422,
            Self::Internal { .. } => 500,
            Self::Unreachable => 503,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Refused("The request couldn't be read. Reload the page and try again.".into())
            }
            _ => Self::Internal { reference: "transport".into() },
        }
    }
}
