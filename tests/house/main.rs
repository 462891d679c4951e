//! The rules of the house: layers point one way, generated pages are fresh.

mod circles;
mod layers;
mod pages;
mod policy;
mod settings;
mod sources;
mod threads;
mod words;
