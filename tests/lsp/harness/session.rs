//! The configuration of a session.

use serde_json::{Map, Value, json};

use super::{Client, Editor, Process, World};

/// A session that has not started.
pub(crate) struct Session {
    world: World,
    editor: Editor,
    folders: Vec<String>,
    arguments: Vec<String>,
    /// A program with its arguments that runs the server.
    under: Vec<String>,
    options: Map<String, Value>,
    capabilities: Vec<(String, Value)>,
    rejected: Vec<String>,
    unanswered: Vec<String>,
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
            arguments: Vec::new(),
            under: Vec::new(),
            options,
            capabilities: Vec::new(),
            rejected: Vec::new(),
            unanswered: Vec::new(),
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

    /// An argument after `supercargo lsp`.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Runs the server with another program, which must keep its pipes and its exit code.
    #[cfg(target_os = "linux")]
    pub(crate) fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Sets an initialization option; `null` removes one that would be sent.
    pub(crate) fn option(mut self, name: &str, value: Value) -> Self {
        match value {
            Value::Null => self.options.remove(name),
            value => self.options.insert(name.to_owned(), value),
        };
        self
    }

    /// Sets a capability of the client, by its JSON pointer.
    pub(crate) fn capability(mut self, pointer: &str, value: Value) -> Self {
        self.capabilities.push((pointer.to_owned(), value));
        self
    }

    /// Rejects a request of the server, whatever the capabilities of the client.
    pub(crate) fn reject(mut self, method: &str) -> Self {
        self.rejected.push(method.to_owned());
        self
    }

    /// Never responds to a request of the server.
    pub(crate) fn never_respond(mut self, method: &str) -> Self {
        self.unanswered.push(method.to_owned());
        self
    }

    /// The user's settings, which the editor sends on request.
    pub(crate) fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Starts and initializes the server.
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
        let process = Process::start_under(&self.world, &self.under, &self.arguments);
        let exceptions = (self.rejected, self.unanswered);
        Client::initialize(self.world, self.editor, process, params, exceptions, self.settings)
    }
}

fn set(target: &mut Value, pointer: &str, value: &Value) {
    let value_at_pointer = pointer.split('/').skip(1).fold(target, |target, key| {
        if !target.is_object() {
            *target = json!({});
        }
        &mut target[key]
    });
    *value_at_pointer = value.clone();
}
