//! Unsaved texts of files behind links, and of workspaces in which one package has several ways to it, count.

use std::{fs, os::unix::fs::symlink};

use crate::{
    harness::{Client, Session, World},
    worlds::TIME,
};

const PACKAGE: &str = r#"
#- crate: time 0.3.44
#- crate: time 0.3.47
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47: Stack exhaustion
#- deny.toml
[licenses]
allow = ["MIT"]
#- Cargo.toml
[workspace]
resolver = "2"
members = ["m"]
#- m/Cargo.toml
[package]
name = "m"
version = "0.1.0"
edition = "2021"
license = "MIT"
[dependencies]
time = "=0.3.44"
#- m/src/lib.rs
"#;

fn replace_by_link(world: &World, path: &str) {
    let target = world.path(&format!("../elsewhere/{}", path.replace('/', "-")));
    fs::create_dir_all(world.path("../elsewhere")).expect("a folder");
    fs::rename(world.path(path), &target).expect("it is moved");
    symlink(&target, world.path(path)).expect("a link");
}

/// Upgrades the dependency in the editor and takes that back, twice.
fn edit(client: &mut Client, path: &str, shown_in: &str) {
    client.diagnostics_with(shown_in, TIME);
    for _ in 0..2 {
        client.replace(path, "=0.3.44", "=0.3.47");
        client.latest(shown_in, "no vulnerability", |shown| !shown.has(TIME));
        client.replace(path, "=0.3.47", "=0.3.44");
        client.latest(shown_in, "the vulnerability", |shown| {
            shown.has(TIME) && !shown.has("supercargo::resolution-failed")
        });
    }
}

#[test]
fn unsaved_text_of_a_linked_member_or_manifest_is_checked() {
    for link in ["m", "m/Cargo.toml", "Cargo.toml", "Cargo.lock"] {
        for has_lock in [true, false] {
            if link == "Cargo.lock" && !has_lock {
                continue;
            }
            let world = if has_lock { World::locked(PACKAGE) } else { World::new(PACKAGE) };
            replace_by_link(&world, link);
            let mut client = Session::of(world).start();
            client.open("m/Cargo.toml");
            edit(&mut client, "m/Cargo.toml", "m/Cargo.toml");
            client.ignore_all();
        }
    }
}

#[test]
fn unsaved_text_of_a_linked_root_manifest_is_checked() {
    let world = World::new(PACKAGE);
    world.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"m\"]\n[workspace.dependencies]\ntime = \"=0.3.44\"\n",
    );
    world.edit("m/Cargo.toml", "time = \"=0.3.44\"", "time.workspace = true");
    world.lock("");
    replace_by_link(&world, "Cargo.toml");
    replace_by_link(&world, "m");
    let mut client = Session::of(world).start();
    client.open("Cargo.toml");
    edit(&mut client, "Cargo.toml", "Cargo.toml");
    client.ignore_all();
}

#[test]
fn unsaved_text_of_a_linked_path_dependency_is_checked() {
    for has_lock in [true, false] {
        let world = World::new(PACKAGE);
        world.write(
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
             [dependencies]\nm = { path = \"deps/m\" }\n",
        );
        world.write("src/lib.rs", "");
        world.folder("deps");
        fs::rename(world.path("m"), world.path("../m")).expect("it is moved");
        symlink("../../m", world.path("deps/m")).expect("a link");
        if has_lock {
            world.lock("");
        }
        let mut client = Session::of(world).start();
        client.open("deps/m/Cargo.toml");
        edit(&mut client, "deps/m/Cargo.toml", "deps/m/Cargo.toml");
        client.ignore_all();
    }
}

#[test]
fn unsaved_text_that_is_open_under_its_real_name_is_checked() {
    let world = World::locked(PACKAGE);
    fs::rename(world.path("m"), world.path("../m")).expect("it is moved");
    symlink("../m", world.path("m")).expect("a link");
    let mut client = Session::of(world).start();
    client.diagnostics_with("m/Cargo.toml", TIME);
    client.open("../m/Cargo.toml");
    client.replace("../m/Cargo.toml", "=0.3.44", "=0.3.47");
    client.ends_with("m/Cargo.toml", "no vulnerability", |shown| !shown.has(TIME));
    client.ignore_all();
}

#[test]
fn unsaved_root_manifest_counts_where_an_excluded_folder_leads_back() {
    let world = World::new(PACKAGE);
    world.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\nexclude = [\"crates/legacy\"]\n\
         [workspace.dependencies]\ntime = \"=0.3.44\"\n",
    );
    let member = world.read("m/Cargo.toml");
    let core = member.replace("\"m\"", "\"core-x\"");
    world.write(
        "crates/core/Cargo.toml",
        core.replace("time = \"=0.3.44\"", "time.workspace = true"),
    );
    let back = member.replace("\"m\"", "\"legacy\"");
    world.write(
        "crates/legacy/Cargo.toml",
        back.replace("time = \"=0.3.44\"", "core-x = { path = \"../core\" }"),
    );
    for name in ["core", "legacy"] {
        world.write(&format!("crates/{name}/src/lib.rs"), "");
    }
    world.lock("");
    let mut client = Session::of(world).start();
    client.open("Cargo.toml");
    edit(&mut client, "Cargo.toml", "Cargo.toml");
    client.ignore_all();
}

#[test]
fn unsaved_member_that_an_absolute_path_leads_to_is_checked() {
    let world = World::new(PACKAGE);
    fs::rename(world.path("m"), world.path("../m")).expect("it is moved");
    let path = world.path("../m");
    world.write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
             [dependencies]\nm = {{ path = \"{path}\" }}\ntime = \"=0.3.44\"\n"
        ),
    );
    world.write("src/lib.rs", "");
    world.lock("");
    let mut client = Session::of(world).start();
    client.open("../m/Cargo.toml");
    client.latest("../m/Cargo.toml", "the dependency", |shown| shown.has(TIME));
    client.open("Cargo.toml");
    // The line after an adapted path.
    client.latest("Cargo.toml", "the dependency", |shown| {
        shown.has(TIME) && shown.covered(TIME) == "=0.3.44"
    });
    client.replace("../m/Cargo.toml", "time = \"=0.3.44\"", "");
    client.latest("../m/Cargo.toml", "no dependency", |shown| !shown.has(TIME));
    client.latest("Cargo.toml", "the dependency alone", |shown| {
        shown.has(TIME) && shown.covered(TIME) == "=0.3.44"
    });
    client.replace("Cargo.toml", "time = \"=0.3.44\"", "");
    client.ends_with("Cargo.toml", "no vulnerability", |shown| !shown.has(TIME));
    client.ignore_all();
}
