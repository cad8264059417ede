//! Two nodes on one Postgres of their own, and traps in the database where a node stops until the test lets go of it.

use crate::support::{Process, SECRET_KEY, plumbline};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::db::{
    Access, MIGRATOR,
    embedded::{self, Opened, PrivatePostgres},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// First half of the traps' locks.
const TRAPS: i32 = 7_777;
const PATIENCE: Duration = Duration::from_secs(180);

/// A Postgres that is started again when it falls, as the private one of a server, and durable as that.
pub struct Cluster {
    private: PrivatePostgres,
    data: PathBuf,
    _folder: TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // As root, Postgres runs as an account of its own, which has to get there.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        let Opened::Started(private) = embedded::open(&data, None, Access::Sole).await.unwrap() else {
            panic!("a new folder has no server")
        };
        let mut connection = PgConnection::connect_with(&private.options).await.unwrap();
        for node in ["node_0", "node_1"] {
            sqlx::raw_sql(AssertSqlSafe(format!("create role {node} superuser login"))).execute(&mut connection).await.unwrap();
        }
        Self { private, data, _folder: folder }
    }

    /// Falls at once, without a word to anybody, and comes back.
    pub fn restart(&self) {
        let file = std::fs::read_to_string(self.data.join("postgres/postmaster.pid")).unwrap();
        let postmaster = file.lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(postmaster), Signal::SIGQUIT).unwrap();
    }

    /// A migrated database with its traps, all open.
    pub async fn database(&self, name: &'static str, serve: &'static [&'static str]) -> Nodes<'_> {
        let mut connection = PgConnection::connect_with(&self.private.options).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await.unwrap();
        let options = self.private.options.clone().database(name);
        let pool = PgPoolOptions::new().max_connections(3).connect_with(options).await.unwrap();
        MIGRATOR.run(&pool).await.unwrap();
        sqlx::raw_sql(
            "create schema chaos;
             create function chaos.stop() returns trigger language plpgsql as
                 'begin perform pg_current_xact_id(), pg_advisory_xact_lock_shared(7777, tg_argv[0]::int); return new; end'",
        )
        .execute(&pool)
        .await
        .unwrap();
        for (number, trap) in (0..).zip(TRAP) {
            let sql = trap.1.replace("{stop}", &format!("for each row {} execute function chaos.stop({number})", trap.2));
            sqlx::raw_sql(AssertSqlSafe(sql.replace("{name}", &format!("trap_{number}")))).execute(&pool).await.unwrap();
        }
        let mut nodes = Nodes { cluster: self, name, serve, pool, nodes: Vec::new() };
        nodes.nodes = vec![nodes.start(0), nodes.start(1)];
        nodes
    }

    fn url(&self, node: usize, database: &str) -> String {
        let options = &self.private.options;
        let folder = options.get_socket().unwrap().display().to_string();
        format!("postgres://node_{node}@localhost:{}/{database}?host={folder}&sslmode=disable", options.get_port())
    }
}

/// Crash points in the order in which a first start meets them: name, trigger, condition.
pub const TRAP: [(&str, &str, &str); 10] = [
    ("tick created", "create trigger {name} after insert on ops.tick {stop}", ""),
    ("run created", "create trigger {name} after insert on ops.run {stop}", ""),
    (
        "task claimed: the claim commits as its node dies",
        "create constraint trigger {name} after insert on ops.attempt deferrable initially deferred {stop}",
        "",
    ),
    ("fetch: before the effect", "create trigger {name} before insert on raw.vendor_response {stop}", ""),
    ("fetch: after the effect, before its checkpoint", "create trigger {name} before update of checkpoint on ops.task {stop}", ""),
    (
        "fetch: before completion",
        "create trigger {name} before update on ops.task {stop}",
        "when (old.state = 'running' and new.state = 'success' and new.name <> 'publish')",
    ),
    ("publish: before the effect", "create trigger {name} before insert on ops.publication {stop}", ""),
    ("publish: after the effect", "create trigger {name} after insert on ops.publication {stop}", ""),
    (
        "publish: before completion",
        "create trigger {name} before update on ops.task {stop}",
        "when (old.state = 'running' and new.state = 'success' and new.name = 'publish')",
    ),
    (
        "publish: effect and completion commit as its node dies",
        "create constraint trigger {name} after insert on ops.publication deferrable initially deferred {stop}",
        "",
    ),
];

/// Two servers on a database of the cluster.
pub struct Nodes<'a> {
    cluster: &'a Cluster,
    name: &'static str,
    serve: &'static [&'static str],
    pub pool: PgPool,
    nodes: Vec<Process>,
}

/// A trap that is set; whoever comes by waits as long as it is.
pub struct Trap {
    number: i32,
    connection: PgConnection,
}

/// Who sits in a trap.
#[derive(Debug, Clone)]
pub struct Caught {
    pub node: usize,
    /// His transaction.
    pub transaction: String,
}

impl Nodes<'_> {
    fn start(&self, node: usize) -> Process {
        let mut command = plumbline(self.serve);
        command.env("DATABASE_URL", self.cluster.url(node, self.name)).env("PLUMBLINE_SECRET_KEY", SECRET_KEY);
        Process::start(command, &format!("{}-node-{node}", self.name))
    }

    /// SIGKILL.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    pub fn restart(&mut self, node: usize) {
        self.nodes[node] = self.start(node);
    }

    /// A node that starts while Postgres is away says so and ends; whoever started it starts it again.
    pub fn revive(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].has_ended() {
                self.restart(node);
            }
        }
    }

    /// Do both perform tasks, as the others see it?
    pub async fn are_present(&self) -> bool {
        let names: Vec<String> = self.nodes.iter().map(|node| format!("%:{}", node.id())).collect();
        let present = "select count(*) = 2 from ops.node where stopped_at is null and name like any ($1)";
        sqlx::query_scalar(present).bind(names).fetch_one(&self.pool).await.unwrap_or(false)
    }

    pub fn signal(&self, node: usize, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.nodes[node].id()).unwrap()), signal).unwrap();
    }

    pub async fn set(&self, number: usize) -> Trap {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await.unwrap();
        let number = i32::try_from(number).unwrap();
        sqlx::query("select pg_advisory_lock($1, $2)").bind(TRAPS).bind(number).execute(&mut connection).await.unwrap();
        Trap { number, connection }
    }

    /// Waits until somebody is in it.
    pub async fn caught(&self, trap: &Trap) -> Caught {
        let began = Instant::now();
        loop {
            let found: Option<(String, String)> = sqlx::query_as(
                "select usename::text, backend_xid::text from pg_locks join pg_stat_activity using (pid)
                 where locktype = 'advisory' and classid = $1::int::oid and objid = $2::int::oid and not granted and backend_xid is not null limit 1",
            )
            .bind(TRAPS)
            .bind(trap.number)
            .fetch_optional(&self.pool)
            .await
            .unwrap();
            if let Some((role, transaction)) = found {
                return Caught { node: role.trim_start_matches("node_").parse().unwrap(), transaction };
            }
            assert!(began.elapsed() < PATIENCE, "nobody came by: {}", TRAP[trap.number as usize].0);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What became of his transaction: "committed" or "aborted".
    pub async fn fate(&self, caught: &Caught) -> String {
        let began = Instant::now();
        loop {
            let status: String =
                sqlx::query_scalar("select pg_xact_status($1::xid8)").bind(&caught.transaction).fetch_one(&self.pool).await.unwrap();
            if status != "in progress" {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "his transaction doesn't end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Trap {
    pub async fn release(self) {
        self.connection.close().await.unwrap();
    }
}
