//! The path of a file that many locations name.

use std::{fmt, hash, ops::Deref, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The path of a file, cheap to clone and to compare: a verdict has thousands of locations in a hundred files.
///
/// Paths are equal if they are written equally; the constructor removes repeated separators and `.`, so that this is the equality
/// of [`Utf8Path`]. The order is that of [`Utf8Path`], by components.
#[derive(Clone)]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// The path.
    pub fn as_path(&self) -> &Utf8Path {
        Utf8Path::new(&*self.0)
    }

    /// Whether both are clones of one value.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for FilePath {
    type Target = Utf8Path;

    fn deref(&self) -> &Utf8Path {
        self.as_path()
    }
}

impl AsRef<Utf8Path> for FilePath {
    fn as_ref(&self) -> &Utf8Path {
        self
    }
}

impl From<&Utf8Path> for FilePath {
    fn from(path: &Utf8Path) -> Self {
        let normal: Utf8PathBuf = path.components().collect();
        Self(normal.as_str().into())
    }
}

impl From<&Utf8PathBuf> for FilePath {
    fn from(path: &Utf8PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<Utf8PathBuf> for FilePath {
    fn from(path: Utf8PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&str> for FilePath {
    fn from(path: &str) -> Self {
        Utf8Path::new(path).into()
    }
}

impl PartialEq for FilePath {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl Eq for FilePath {}

impl PartialEq<Utf8Path> for FilePath {
    fn eq(&self, other: &Utf8Path) -> bool {
        let (this, other) = (&*self.0, other.as_str());
        // Only a path that is not normal may be equal and longer.
        this == other || other.len() > this.len() && self.as_path() == Utf8Path::new(other)
    }
}

impl PartialEq<&Utf8Path> for FilePath {
    fn eq(&self, other: &&Utf8Path) -> bool {
        self == *other
    }
}

impl PartialEq<Utf8PathBuf> for FilePath {
    fn eq(&self, other: &Utf8PathBuf) -> bool {
        self == other.as_path()
    }
}

impl PartialEq<FilePath> for Utf8PathBuf {
    fn eq(&self, other: &FilePath) -> bool {
        other == self.as_path()
    }
}

impl PartialEq<FilePath> for Utf8Path {
    fn eq(&self, other: &FilePath) -> bool {
        other == self
    }
}

impl hash::Hash for FilePath {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialOrd for FilePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FilePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self == other {
            return std::cmp::Ordering::Equal;
        }
        self.as_path().cmp(other.as_path())
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_path().fmt(f)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_path().fmt(f)
    }
}

impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_path().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Utf8PathBuf::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_and_order_are_those_of_paths() {
        let paths = ["/a/b", "/a-b", "/a//b", "/a/./b", "/a", "/", "/ä/b", "/a/b/c"];
        for one in paths {
            for other in paths {
                let (path, other_path) = (Utf8Path::new(one), Utf8Path::new(other));
                let (file, other_file) = (FilePath::from(path), FilePath::from(other_path));
                assert_eq!(file == other_file, path == other_path, "{one} {other}");
                assert_eq!(file == *other_path, path == other_path, "{one} {other}");
                assert_eq!(file.cmp(&other_file), path.cmp(other_path), "{one} {other}");
            }
        }
    }
}
