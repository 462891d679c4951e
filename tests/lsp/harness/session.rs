//! How a session begins.

use serde_json::{Map, Value, json};

use super::{Client, Editor, Process, World};

/// A session that has not begun.
pub(crate) struct Session {
    world: World,
    editor: Editor,
    folders: Vec<String>,
    words: Vec<String>,
    /// A program with its arguments that runs the server.
    under: Vec<String>,
    options: Map<String, Value>,
    capabilities: Vec<(String, Value)>,
    refused: Vec<String>,
    silent: Vec<String>,
    settings: Value,
}

impl Session {
    /// A session in a world: offline, with the world's own advisories.
    pub(crate) fn of(world: World) -> Self {
        let mut options = Map::new();
        options.insert("offline".to_owned(), true.into());
        options.insert("db".to_owned(), world.path("../db").into());
        Self {
            world,
            editor: Editor::VsCode,
            folders: vec![String::new()],
            words: Vec::new(),
            under: Vec::new(),
            options,
            capabilities: Vec::new(),
            refused: Vec::new(),
            silent: Vec::new(),
            settings: Value::Null,
        }
    }

    pub(crate) fn editor(mut self, editor: Editor) -> Self {
        self.editor = editor;
        self
    }

    /// The folders that the editor has open, relative to the user's.
    pub(crate) fn folders(mut self, folders: &[&str]) -> Self {
        self.folders = folders.iter().map(|&folder| folder.to_owned()).collect();
        self
    }

    /// A word after `supercargo lsp`.
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }

    /// Lets another program run the server, which has to leave its pipes and its exit code as they are.
    #[cfg(target_os = "linux")]
    pub(crate) fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// An initialization option; `null` leaves out what would be sent.
    pub(crate) fn option(mut self, name: &str, value: Value) -> Self {
        match value {
            Value::Null => self.options.remove(name),
            value => self.options.insert(name.to_owned(), value),
        };
        self
    }

    /// A capability of the client, by its JSON pointer.
    pub(crate) fn capability(mut self, pointer: &str, value: Value) -> Self {
        self.capabilities.push((pointer.to_owned(), value));
        self
    }

    /// A request of the server that the client refuses, whatever it said that it can do.
    pub(crate) fn refuse(mut self, method: &str) -> Self {
        self.refused.push(method.to_owned());
        self
    }

    /// A request of the server that the client never answers.
    pub(crate) fn silent(mut self, method: &str) -> Self {
        self.silent.push(method.to_owned());
        self
    }

    /// The user's settings, told when the editor is asked for them.
    pub(crate) fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Starts the server and introduces the editor.
    pub(crate) fn start(self) -> Client {
        let folders: Vec<_> = self
            .folders
            .iter()
            .map(|folder| (self.world.path(folder), self.world.uri(folder)))
            .collect();
        let mut params = self.editor.initialize(&folders);
        params["initializationOptions"] = Value::Object(self.options);
        for (pointer, value) in &self.capabilities {
            set(&mut params["capabilities"], pointer, value);
        }
        let process = Process::start_under(&self.world, &self.under, &self.words);
        let silences = (self.refused, self.silent);
        Client::introduce(self.world, self.editor, process, params, silences, self.settings)
    }
}

fn set(target: &mut Value, pointer: &str, value: &Value) {
    let place = pointer.split('/').skip(1).fold(target, |target, key| {
        if !target.is_object() {
            *target = json!({});
        }
        &mut target[key]
    });
    *place = value.clone();
}
