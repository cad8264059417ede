//! What a visitor can do at the door. Signing in, out, setting up and entering the demo are plain forms of the server.

use crate::{account::model::Door, error::AppError};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// Strangers may ask.
#[server(endpoint = "account/door", input = GetUrl)]
pub async fn show_door() -> Result<Door, AppError> {
    use crate::ports;
    let user = use_context::<ports::Visitor>().and_then(|visitor| visitor.0);
    ports::ports()?.doors.door(user).await
}
