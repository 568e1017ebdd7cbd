//! The table `[root]` of `stage.toml`: a root file system that `repro` itself composes.

use std::collections::BTreeMap;

use super::mistake::did_you_mean;
use super::model::InputRef;
use super::parse::Template;
use super::reader::{At, Fields};
use super::root::{Deliver, RootDef, RootWin};
use super::values::{self, Wrong};

/// Keys of the table, which the schema must have too.
pub(super) const ROOT: &[&str] = &[
    "components",
    "wins",
    "directories",
    "links",
    "templates",
    "overlays",
    "manifests",
    "component-manifests",
    "deliver",
    "roots",
    "keep",
    "may-miss",
    "nss",
    "needs",
    "budgets",
];
/// Keys of a rule.
pub(super) const ROOT_WIN: &[&str] = &["path", "component"];
/// What a stage with a script or images has, and one with a root has not.
const OF_OTHERS: &[&str] =
    &["tools", "target", "script", "shell", "sources", "env", "wins", "level", "outputs", "image"];

struct Reader<'r, 'd, 'a> {
    table: Fields<'d, 'a>,
    template: &'r Template<'r>,
    inputs: &'r [At<InputRef>],
}

/// The root file system of a stage, if it states one.
pub(super) fn root(fields: &Fields<'_, '_>, template: &Template<'_>, inputs: &[At<InputRef>]) -> Option<RootDef> {
    let table = fields.table("root")?;
    for key in OF_OTHERS.iter().filter(|key| fields.has(key)) {
        let help = "a stage runs a script, states images or composes a root, one of these: split it".to_owned();
        fields.doc.wrong(&table.span, format!("`{key}` means nothing beside `root`"), Some(help));
    }
    table.only(ROOT);
    let reader = Reader { table, template, inputs };
    let doc = fields.doc;
    let components = reader.list("components", |_| Ok(()));
    for found in &components {
        reader.input(found);
    }
    for unused in inputs.iter().filter(|input| !components.iter().any(|found| found.value == input.value.name())) {
        let help = Some("take it out, or name it in `components`".to_owned());
        doc.wrong(&unused.span, format!("`{}` is no component", unused.value), help);
    }
    let known: Vec<&str> = components.iter().map(|found| found.value.as_str()).collect();
    let component = |found: &At<String>| {
        if !known.contains(&found.value.as_str()) {
            let help = did_you_mean(&found.value, known.iter().copied());
            doc.wrong(&found.span, format!("`{}` is not among `components`", found.value.escape_debug()), help);
        }
    };
    let plain = |list: Vec<At<String>>| list.into_iter().map(|found| found.value).collect();
    let wins = reader.table.tables("wins").iter().filter_map(|entry| reader.win(entry, &component)).collect();
    let needs = reader.lists("needs", &component);
    let budgets = reader.map("budgets", |key, value| {
        component(key);
        values::size(value)
    });
    let path = |key: &At<String>, value: &str| {
        doc.take(&key.span, values::relative_path(&key.value));
        values::relative_path(value).map(|()| value.to_owned())
    };
    let link = |key: &At<String>, value: &str| {
        doc.take(&key.span, values::relative_path(&key.value));
        if value.is_empty() { Wrong::new("a link leads nowhere", None) } else { Ok(value.to_owned()) }
    };
    let bound = |key: &At<String>, value: &str| {
        component(key);
        values::relative_path(value).map(|()| value.to_owned())
    };
    let def = RootDef {
        wins,
        directories: plain(reader.list("directories", values::relative_path)),
        links: reader.map("links", link),
        templates: reader.map("templates", path),
        overlays: plain(reader.list("overlays", values::relative_path)),
        manifests: plain(reader.list("manifests", values::relative_path)),
        component_manifests: reader.map("component-manifests", bound),
        deliver: reader.deliver(),
        roots: plain(reader.list("roots", values::glob)),
        keep: plain(reader.list("keep", values::glob)),
        may_miss: plain(reader.list("may-miss", values::glob)),
        nss: plain(reader.list("nss", values::name)),
        needs,
        budgets,
        components: plain(components),
    };
    if def.manifests.is_empty() && def.component_manifests.is_empty() {
        reader.table.missing("manifests", "manifests = [\"manifest\"]");
    }
    if def.deliver == Deliver::Closure && def.roots.is_empty() && def.keep.is_empty() {
        reader.table.missing("roots", "roots = [\"sbin/init\"]");
    }
    for key in ["keep", "nss", "needs"] {
        if reader.table.has(key) && !def.closes() {
            let help = Some("roots = [\"sbin/init\"]".to_owned());
            doc.wrong(&reader.table.span, format!("`{key}` means nothing without `roots`"), help);
        }
    }
    Some(def)
}

impl Reader<'_, '_, '_> {
    fn list(&self, key: &str, check: impl Fn(&str) -> Result<(), Wrong>) -> Vec<At<String>> {
        let doc = self.table.doc;
        let list = self.template.all(doc, self.table.set(key)).into_iter();
        list.filter(|found| doc.take(&found.span, check(&found.value)).is_some()).collect()
    }

    fn map<T>(&self, key: &str, read: impl Fn(&At<String>, &str) -> Result<T, Wrong>) -> BTreeMap<String, T> {
        let mut map = BTreeMap::new();
        let Some(table) = self.table.table(key) else { return map };
        for key in table.keys("") {
            let Some(value) = self.template.get(&table, &key.value) else { continue };
            if let Some(value) = table.doc.take(&value.span, read(&key, &value.value)) {
                map.insert(key.value, value);
            }
        }
        map
    }

    fn lists(&self, key: &str, component: &dyn Fn(&At<String>)) -> BTreeMap<String, Vec<String>> {
        let mut map = BTreeMap::new();
        let Some(table) = self.table.table(key) else { return map };
        for key in table.keys("") {
            component(&key);
            let mut list = self.template.all(table.doc, table.set(&key.value));
            list.iter().for_each(component);
            list.sort_by(|a, b| a.value.cmp(&b.value));
            map.insert(key.value, list.into_iter().map(|found| found.value).collect());
        }
        map
    }

    fn input(&self, found: &At<String>) {
        if !self.inputs.iter().any(|input| input.value.name() == found.value) {
            let help = did_you_mean(&found.value, self.inputs.iter().map(|input| input.value.name()))
                .unwrap_or_else(|| "name one of `inputs`, without `stage:` and without the part".to_owned());
            let message = format!("`{}` is not among `inputs`", found.value.escape_debug());
            self.table.doc.wrong(&found.span, message, Some(help));
        }
    }

    fn win(&self, entry: &Fields<'_, '_>, component: &dyn Fn(&At<String>)) -> Option<RootWin> {
        entry.only(ROOT_WIN);
        let text = |key: &str, example: &str| {
            if !entry.has(key) {
                entry.missing(key, example);
            }
            self.template.get(entry, key)
        };
        let path = text("path", "path = \"bin/*\"");
        let path = path.filter(|found| entry.doc.take(&found.span, values::glob(&found.value)).is_some());
        let winner = text("component", "component = \"NAME\"");
        winner.iter().for_each(component);
        Some(RootWin { path: path?.value, component: winner?.value })
    }

    fn deliver(&self) -> Deliver {
        let Some(found) = self.template.get(&self.table, "deliver") else { return Deliver::default() };
        let known = Deliver::ALL.into_iter().find(|deliver| deliver.name() == found.value).ok_or_else(|| Wrong {
            message: format!("`{}` is no way to deliver", found.value.escape_debug()),
            help: Some(format!("ways are {}", Deliver::ALL.map(Deliver::name).join(", "))),
        });
        self.table.doc.take(&found.span, known).unwrap_or_default()
    }
}
