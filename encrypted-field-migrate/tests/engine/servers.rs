//! Servers of a single test, for what it may not do to the servers of all tests.
//!
//! Each has a loopback port of its own, and its data in a folder of its own. It ends when it is
//! dropped, and by the kernel when the thread that started it is gone: also when somebody kills the
//! tests.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Db, Kind};

/// The most that anything may take that a test waits for.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until this is true.
pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < DEADLINE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a job gives, or a panic if it would wait for ever.
pub(crate) async fn in_time<T>(job: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE * 3, job).await.expect("the job ends")
}

/// A server of a single test.
pub(crate) struct Server {
    /// The database that the server comes with.
    pub(crate) db: Db,
    pub(crate) port: u16,
    process: Child,
    start: Start,
    folder: TempDir,
}

/// How a server is started.
#[derive(Clone)]
struct Start {
    kind: Kind,
    /// The arguments that are the test's own.
    settings: Vec<String>,
    /// How many MiB the disk has on which everything is that must not be on a large one.
    disk: Option<u32>,
}

impl Server {
    /// A PostgreSQL, or `None` without its programs.
    pub(crate) fn postgres(settings: &[&str]) -> Option<Self> {
        let folder = Self::postgres_folder()?;
        Some(Self::start(folder, Start::new(Kind::Postgres, settings)))
    }

    /// A PostgreSQL with the folder `disk`, which holds so many MiB.
    pub(crate) fn postgres_with_disk(settings: &[&str], size: u32) -> Option<Self> {
        let folder = may_mount().then(Self::postgres_folder)??;
        let start = Start { disk: Some(size), ..Start::new(Kind::Postgres, settings) };
        Some(Self::start(folder, start))
    }

    fn postgres_folder() -> Option<TempDir> {
        let programs = ["initdb", "postgres", "pg_basebackup"];
        if !programs.iter().all(|program| postgres(program).exists()) || !has_util_linux() {
            tests::missing("no programs of PostgreSQL, or no util-linux: run ./test");
            return None;
        }
        let folder = folder(Kind::Postgres);
        let mut initdb = as_user(Kind::Postgres, &postgres("initdb"));
        initdb.args(["-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]);
        // Small, so that a limit on the size of files may be small.
        initdb.args(["--wal-segsize=1", "-D"]).arg(folder.path().join("data"));
        run(initdb);
        Some(folder)
    }

    /// A standby of this PostgreSQL.
    pub(crate) fn standby(&self) -> Self {
        let folder = folder(Kind::Postgres);
        let mut backup = as_user(Kind::Postgres, &postgres("pg_basebackup"));
        backup.args(["-h", "127.0.0.1", "-U", "postgres", "-c", "fast", "-N", "-R", "-p"]);
        backup.arg(self.port.to_string()).arg("-D").arg(folder.path().join("data"));
        run(backup);
        Self::start(folder, Start::new(Kind::Postgres, &[]))
    }

    /// A MariaDB, or `None` without its programs.
    pub(crate) fn mariadb(settings: &[&str]) -> Option<Self> {
        let folder = Self::mariadb_folder()?;
        Some(Self::start(folder, Start::new(Kind::MariaDb, settings)))
    }

    /// A MariaDB with all of its data on a disk of so many MiB.
    pub(crate) fn mariadb_with_disk(settings: &[&str], size: u32) -> Option<Self> {
        let folder = may_mount().then(Self::mariadb_folder)??;
        let start = Start { disk: Some(size), ..Start::new(Kind::MariaDb, settings) };
        Some(Self::start(folder, start))
    }

    fn mariadb_folder() -> Option<TempDir> {
        let programs = (find("mariadb-install-db"), find("mariadbd"));
        let ((Some(install), Some(_)), true) = (programs, has_util_linux()) else {
            tests::missing("no programs of MariaDB, or no util-linux: run ./test");
            return None;
        };
        let folder = folder(Kind::MariaDb);
        let mut install = as_user(Kind::MariaDb, &install);
        install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        install.args(["--skip-test-db", "--innodb-log-file-size=4M"]);
        install.arg(option("datadir", &folder.path().join("data")));
        run(install);
        Some(folder)
    }

    fn start(folder: TempDir, start: Start) -> Self {
        // One that is in use by now is found by failing.
        for _ in 0..20 {
            let port = a_port();
            if let Some(process) = start.at(folder.path(), port) {
                let url = if start.kind == Kind::Postgres {
                    format!("postgres://postgres@127.0.0.1:{port}/postgres")
                } else {
                    format!("mysql://root@127.0.0.1:{port}/mysql")
                };
                let db = Db::at(start.kind, url);
                return Self { db, port, process, start, folder };
            }
        }
        panic!("no port is free");
    }

    /// A new, empty database.
    pub(crate) fn database(&self, create: &str) -> Db {
        self.db.run_now(create);
        self.same("users")
    }

    /// The database of this name, which is there.
    pub(crate) fn same(&self, name: &str) -> Db {
        let (server, _) = self.db.url.rsplit_once('/').unwrap();
        Db::at(self.db.kind, format!("{server}/{name}"))
    }

    /// What the process sees under this path in the folder of the server.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Its disk is mounted for itself only.
        let root = PathBuf::from(format!("/proc/{}/root", self.process.id()));
        root.join(self.folder.path().strip_prefix("/").unwrap()).join(name)
    }

    /// As the server itself names it.
    pub(crate) fn own_path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, self.process.id());
    }

    /// The most bytes that a file of this server may have, for connections that are yet to come.
    pub(crate) fn limit_files(&self, bytes: &str) {
        // The user of the server may, where root may not.
        let mut command = as_user(self.start.kind, &find("prlimit").unwrap());
        command.args(["--pid", &self.process.id().to_string(), &format!("--fsize={bytes}:")]);
        run(command);
    }

    /// As a crash ends it.
    pub(crate) fn crash(&mut self) {
        // Not KILL, which would leave processes of PostgreSQL behind for a while.
        let signal = if self.start.kind == Kind::Postgres { "QUIT" } else { "KILL" };
        self.signal("CONT");
        self.signal(signal);
        let _ = self.process.wait();
    }

    /// Starts it again after a crash.
    pub(crate) fn start_again(&mut self) {
        let started = self.start.at(self.folder.path(), self.port);
        self.process = started.expect("its port is free again");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

impl Start {
    fn new(kind: Kind, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        Self { kind, settings, disk: None }
    }

    /// The process, once it answers, or `None` if the port is in use.
    fn at(&self, folder: &Path, port: u16) -> Option<Child> {
        let log = folder.join("log");
        let file = File::create(&log).unwrap();
        let mut command = self.command(folder, port);
        command.current_dir(folder).stdin(Stdio::null());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut process = command.spawn().unwrap();
        let said = || fs::read_to_string(&log).unwrap();
        let mut is_over = false;
        until("the server starts", || {
            is_over = process.try_wait().unwrap().is_some();
            is_over
                || ["ready to accept", "ready for connections"]
                    .iter()
                    .any(|ready| said().contains(ready))
        });
        if !is_over {
            return Some(process);
        }
        let is_taken =
            ["could not bind", "Address already in use"].iter().any(|text| said().contains(text));
        assert!(is_taken, "{}", said());
        None
    }

    fn command(&self, folder: &Path, port: u16) -> Command {
        let data = folder.join("data");
        let is_postgres = self.kind == Kind::Postgres;
        let program = if is_postgres { postgres("postgres") } else { find("mariadbd").unwrap() };
        let mut server = as_user(self.kind, &program);
        if is_postgres {
            server.arg("-D").arg(data).args(["-p", &port.to_string()]);
            server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
            server.args(["-c", "fsync=off"]);
        } else {
            server.arg("--no-defaults").arg(option("datadir", &data));
            server.arg(option("socket", &folder.join("socket")));
            server.arg(option("pid-file", &folder.join("pid")));
            server.args(["--bind-address=127.0.0.1", "--character-set-server=utf8mb4"]);
            server.args(["--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0"]);
            server.args(["--innodb-flush-method=nosync", "--skip-innodb-doublewrite"]);
            server.arg(format!("--port={port}"));
        }
        server.args(&self.settings);
        match self.disk {
            None => server,
            Some(size) => on_small_disk(&server, self.kind, folder, size),
        }
    }
}

/// The command, with a small disk that goes with its process: no other one sees it. It is at
/// `disk`, and MariaDB gets its data from there.
fn on_small_disk(server: &Command, kind: Kind, folder: &Path, size: u32) -> Command {
    let mut command = Command::new("unshare");
    let data =
        if kind == Kind::MariaDb { "cp -a data/. disk/; mount --bind disk data;" } else { "" };
    let script = format!(
        "mkdir -p disk; mount -t tmpfs -o \"size=$0\" tmpfs disk; chown \"$1:\" disk; {data} shift; exec \"$@\""
    );
    command.args(["--mount", "sh", "-ec", &script, &format!("{size}m"), user(kind)]);
    command.arg(server.get_program()).args(server.get_args());
    command.current_dir(folder);
    command
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// Whether this machine lets tests mount a disk. Tells where it does not.
fn may_mount() -> bool {
    let probe = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let may = probe.is_ok_and(|status| status.success());
    if !may {
        tests::skipped(
            "no small disk can be mounted here: run ./test as root, where root may mount",
        );
    }
    may
}

fn user(kind: Kind) -> &'static str {
    if kind == Kind::Postgres { "postgres" } else { "mysql" }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A command that ends with the thread that started it. The servers refuse to run as root; anybody
/// else runs them as they are.
fn as_user(kind: Kind, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        let user = user(kind);
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    // A developer's own settings must not lead anybody to another server.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// A folder for a server, which it may enter and write to.
fn folder(kind: Kind) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        let mut chown = Command::new("chown");
        chown.arg(format!("{}:", user(kind))).arg(folder.path());
        run(chown);
    }
    folder
}

/// The programs of the newest PostgreSQL: Debian keeps them out of `PATH`.
fn postgres(program: &str) -> PathBuf {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &PathBuf| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let newest = folders.map(|entry| entry.path()).max_by_key(version);
    let debian = newest.map(|folder| folder.join("bin").join(program)).filter(|path| path.exists());
    debian.or_else(|| find(program)).unwrap_or_else(|| program.into())
}

fn has_util_linux() -> bool {
    ["setpriv", "prlimit"].iter().all(|program| find(program).is_some())
}

/// In `PATH`, and in the folders that ordinary users do not have there.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Runs a program to its end.
fn run(mut command: Command) {
    let output = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", command.get_program().display());
}

pub(crate) fn send(signal: &str, process: u32) {
    // Of the shell: not every machine has the program.
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -{signal} {process}")]);
    // A process that is gone already does not mind.
    let _ = kill.stderr(Stdio::null()).status();
}

/// Below the ports that the kernel hands out for connections.
fn a_port() -> u16 {
    use std::hash::{BuildHasher as _, Hasher as _};

    let random = std::hash::RandomState::new().build_hasher().finish();
    20_000 + u16::try_from(random % 12_000).unwrap()
}
