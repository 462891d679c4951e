//! `supercargo completions`: scripts that the shells read.

use crate::harness::World;

#[test]
fn every_shell_has_a_script_with_all_commands() {
    let world = World::new("#- README.md\nnothing\n");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = world.run(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        for word in ["check", "explain", "--offline"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(run.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    let wrong = world.run(&["completions", "tcsh"]);
    assert_eq!(wrong.code, 64);
}

#[test]
fn bash_accepts_its_script() {
    let mut world = World::new("#- README.md\nnothing\n");
    world.let_write("../script");
    let run = world.run_in_shell(
        "command -v bash >/dev/null || exit 0; \"$0\" completions bash > ../script && bash -n ../script",
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
