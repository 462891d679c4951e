//! Fake cargo programs that record each call and can be held by the test.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{TEST_TIMEOUT, World, world::real_cargo};

/// A script in place of cargo.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FakeCargo {
    /// Runs cargo.
    Counting,
    /// Runs cargo once [`World::release_cargo`] was called.
    Held,
    /// The same from the resolution with this number on, counted from 1.
    HeldFrom(usize),
    /// The same for this resolution only.
    HeldAt(usize),
    /// The same in this folder only.
    HeldIn(&'static str),
    /// Never ends by itself.
    Endless,
    /// Prints invalid output.
    InvalidOutput,
    /// Never ends by itself, with a child of its own that does not end either.
    EndlessWithChild,
}

#[cfg(unix)]
impl World {
    /// Replaces cargo by a fake cargo.
    pub(crate) fn use_fake_cargo(&mut self, fake_cargo: FakeCargo) {
        let root = self.path("../");
        let cargo = real_cargo();
        let wait = format!("while [ ! -e '{root}/released' ]; do sleep 0.02; done");
        let run = match fake_cargo {
            FakeCargo::Counting => format!("exec '{cargo}' \"$@\""),
            FakeCargo::Held => format!("{wait}\nexec '{cargo}' \"$@\""),
            FakeCargo::HeldFrom(number) => format!(
                "if [ \"$(grep -c ^metadata '{root}/cargo/calls')\" -ge {number} ]; then {wait}; fi\n\
                 exec '{cargo}' \"$@\""
            ),
            FakeCargo::HeldAt(number) => format!(
                "if [ \"$1\" = metadata ] && \
                 [ \"$(grep -c ^metadata '{root}/cargo/calls')\" -eq {number} ]; then {wait}; fi\n\
                 exec '{cargo}' \"$@\""
            ),
            FakeCargo::HeldIn(folder) => {
                format!("case \"$PWD\" in */{folder}) {wait};; esac\nexec '{cargo}' \"$@\"")
            }
            FakeCargo::InvalidOutput => "echo '{\"packages\": 7}'".to_owned(),
            FakeCargo::Endless => "exec sleep 100000".to_owned(),
            FakeCargo::EndlessWithChild => "sleep 100000 &\nwait".to_owned(),
        };
        let script = format!("#!/bin/sh\necho \"$@\" >> '{root}/cargo/calls'\n{run}\n");
        self.replace_cargo(&script);
    }

    /// Replaces cargo by a script.
    pub(crate) fn replace_cargo(&mut self, script: &str) {
        use std::os::unix::fs::PermissionsExt;

        self.write("../fake/cargo", script);
        let path = self.path("../fake/cargo");
        let mode = PermissionsExt::from_mode(0o755);
        self.change_as_test(|| std::fs::set_permissions(&path, mode).expect("a mode is set"));
        self.set("CARGO", &path);
    }

    /// Releases held fake cargos.
    pub(crate) fn release_cargo(&self) {
        self.write("../released", "");
    }

    /// How often the fake cargo was called.
    pub(crate) fn cargo_calls(&self) -> usize {
        self.try_read("../cargo/calls").map_or(0, |calls| calls.lines().count())
    }

    /// How often it was called to resolve dependencies.
    pub(crate) fn resolutions(&self) -> usize {
        let calls = self.try_read("../cargo/calls").unwrap_or_default();
        calls.lines().filter(|call| call.starts_with("metadata")).count()
    }

    /// Waits until it was called that often to resolve dependencies.
    pub(crate) fn wait_for_resolutions(&self, resolutions: usize) {
        wait_for(resolutions, || self.resolutions());
    }

    /// Waits until the fake cargo was called that often.
    pub(crate) fn wait_for_cargo_calls(&self, calls: usize) {
        wait_for(calls, || self.cargo_calls());
    }
}

#[cfg(unix)]
fn wait_for(calls: usize, count: impl Fn() -> usize) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while count() < calls {
        assert!(Instant::now() < deadline, "cargo was called {} times", count());
        thread::sleep(Duration::from_millis(1));
    }
}
