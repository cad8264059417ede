//! One instance a data folder: a lock that the kernel frees when its holder dies, however it dies.

use super::{EmbeddedError, home::Home};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Held as long as it lives.
pub(super) struct Lock {
    _file: File,
}

/// Who holds it, as far as the file says.
pub(super) struct Holder {
    pid: String,
}

impl Holder {
    pub(super) fn into_error(self, data: &Path) -> EmbeddedError {
        EmbeddedError::InUse { data: data.into(), pid: self.pid }
    }
}

impl Lock {
    /// The lock, or who has it.
    pub(super) fn take(home: &Home) -> Result<Result<Self, Holder>, EmbeddedError> {
        let path = home.folder().join("plumbline.lock");
        // Not truncated: what is in it belongs to the holder until we are.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(EmbeddedError::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Empty for the blink between its lock and its writing.
                let _ = file.read_to_string(&mut text);
                let pid = text.trim();
                return Ok(Err(Holder { pid: if pid.is_empty() { "just starting".into() } else { pid.into() } }));
            }
            Err(TryLockError::Error(source)) => return Err(EmbeddedError::Io { path, source }),
        }
        let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| writeln!(file, "{}", std::process::id()));
        written.map_err(EmbeddedError::io(&path))?;
        Ok(Ok(Self { _file: file }))
    }
}
