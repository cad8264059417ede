//! `plumbline user …`: for whoever has the machine but no password.

use super::{
    backend::Role,
    password,
    people::{self, NewPerson, PeopleError},
};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use std::io::{self, IsTerminal};

#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a person. The password is read from stdin when it is a pipe, else made up and printed once.
    Add {
        /// For signing in: letters, digits, dots, dashes, underscores.
        name: String,
        /// As shown on screen; the name when it is left out.
        #[arg(long)]
        display_name: Option<String>,
        #[arg(long, value_enum, default_value_t = RoleArg::Member)]
        role: RoleArg,
    },
    /// Give a person a new password; all their sessions end. Read from stdin when it is a pipe, else made up and printed once.
    ResetPassword { name: String },
    /// List everybody.
    List,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    Member,
    Administrator,
}

/// Why a command ended without effect.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("the password couldn't be read from stdin: {0}")]
    Stdin(#[from] io::Error),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error("the database refused: {0}")]
    Sql(#[from] sqlx::Error),
}

/// Carries out `plumbline user …`; answers what to print.
///
/// # Errors
/// [`CommandError`]: one sentence.
pub async fn run(pool: &PgPool, args: UserArgs) -> Result<String, CommandError> {
    match args.action {
        Action::Add { name, display_name, role } => {
            let chosen = Chosen::read()?;
            let role = match role {
                RoleArg::Member => Role::Member,
                RoleArg::Administrator => Role::Administrator,
            };
            let display_name = display_name.unwrap_or_else(|| name.clone());
            let person = NewPerson { name: name.clone(), display_name, role, password: chosen.password.clone() };
            let entry = person.prepare().await?;
            entry.insert(&mut *pool.acquire().await?, None).await?;
            Ok(format!("Added {name} ({}).{}", role.as_str(), chosen.note()))
        }
        Action::ResetPassword { name } => {
            let chosen = Chosen::read()?;
            people::reset_password(pool, &name, chosen.password.clone(), None).await?;
            Ok(format!("{name} has a new password; earlier sessions have ended.{}", chosen.note()))
        }
        Action::List => list(pool).await,
    }
}

/// A password from stdin, or one that we made up and have to print.
struct Chosen {
    password: SecretString,
    is_generated: bool,
}

impl Chosen {
    fn read() -> io::Result<Self> {
        let mut line = String::new();
        if !io::stdin().is_terminal() {
            io::stdin().read_line(&mut line)?;
        }
        let typed = line.trim_end_matches(['\r', '\n']);
        // A closed stdin (a service, a container without one) is nobody who typed an empty password.
        if typed.is_empty() {
            return Ok(Self { password: password::generate(), is_generated: true });
        }
        Ok(Self { password: typed.into(), is_generated: false })
    }

    fn note(&self) -> String {
        if self.is_generated { format!("\nPassword, shown this once: {}", self.password.expose_secret()) } else { String::new() }
    }
}

async fn list(pool: &PgPool) -> Result<String, CommandError> {
    let rows =
        sqlx::query!(r#"select name, display_name, role, disabled_at, created_at from auth."user" order by name"#).fetch_all(pool).await?;
    if rows.is_empty() {
        return Ok("Nobody yet. Start the server and open the address that it prints.".into());
    }
    let lines = rows.iter().map(|row| {
        let state = if row.disabled_at.is_some() { "disabled" } else { "active" };
        format!("{:<24} {:<14} {state:<9} since {}  {}", row.name, row.role, row.created_at.date_naive(), row.display_name)
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
