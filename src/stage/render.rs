//! The graph for people and programs: a tree of text, Graphviz's dot, JSON.

use std::collections::BTreeSet;

use serde::Serialize;

use super::graph::{Graph, UnknownStage};
use super::model::Stage;

/// Version of the JSON that [`Graph::to_json`] writes.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct GraphJson<'a> {
    schema: u32,
    params: &'a super::ParamValues,
    /// In the order in which they can be built.
    stages: Vec<StageJson<'a>>,
}

#[derive(Serialize)]
struct StageJson<'a> {
    name: &'a str,
    summary: &'a str,
    test: bool,
    params: &'a [String],
    /// Stages whose output it takes, sorted.
    needs: Vec<&'a str>,
    tools: Vec<String>,
    target: Vec<String>,
    inputs: Vec<String>,
    sources: Vec<&'a str>,
}

impl Graph {
    /// The targets and what they need as an indented tree. A stage's needs are written where it first appears; later
    /// it has `…` after its name.
    ///
    /// # Errors
    /// A target is no stage.
    pub fn to_tree<S: AsRef<str>>(&self, targets: &[S]) -> Result<String, UnknownStage> {
        enum Step<'a> {
            Stage(&'a Stage, String, String),
            Leaf(String),
        }
        let mut text = String::new();
        let mut shown = BTreeSet::new();
        for target in targets {
            let mut stack = vec![Step::Stage(self.find(target.as_ref())?, String::new(), String::new())];
            while let Some(step) = stack.pop() {
                let (stage, head, indent) = match step {
                    Step::Leaf(line) => {
                        text.push_str(&line);
                        continue;
                    }
                    Step::Stage(stage, head, indent) => (stage, head, indent),
                };
                let first = shown.insert(stage.name.as_str());
                text.push_str(&format!("{head}{}", stage.name));
                let layers = stage.tools.iter().chain(&stage.target).chain(&stage.inputs);
                let sysroots: BTreeSet<String> =
                    layers.filter(|layer| layer.stage().is_none()).map(ToString::to_string).collect();
                let needs: Vec<&Stage> = self.needs(&stage.name).collect();
                let leaves: Vec<String> =
                    sysroots.into_iter().chain(stage.sources.keys().map(|name| format!("source:{name}"))).collect();
                if !first {
                    text.push_str(if needs.is_empty() && leaves.is_empty() { "\n" } else { " …\n" });
                    continue;
                }
                text.push('\n');
                let count = needs.len() + leaves.len();
                let branch =
                    |at: usize| if at + 1 == count { ("└── ", "    ") } else { ("├── ", "│   ") };
                let stages = needs.iter().enumerate().map(|(at, need)| {
                    let (head, more) = branch(at);
                    Step::Stage(need, format!("{indent}{head}"), format!("{indent}{more}"))
                });
                let leaves = leaves.iter().enumerate().map(|(at, leaf)| {
                    let (head, _) = branch(needs.len() + at);
                    Step::Leaf(format!("{indent}{head}{leaf}\n"))
                });
                let steps: Vec<Step<'_>> = stages.chain(leaves).collect();
                stack.extend(steps.into_iter().rev());
            }
        }
        Ok(text)
    }

    /// The targets and what they need in Graphviz's language; arrows go from a stage to those that take its output.
    ///
    /// # Errors
    /// A target is no stage.
    pub fn to_dot<S: AsRef<str>>(&self, targets: &[S]) -> Result<String, UnknownStage> {
        let mut text = String::from("digraph stages {\n    rankdir=LR;\n    node [shape=box];\n");
        let stages = self.closure(targets)?;
        let sysroots = self.sysroots_of(stages.iter().copied());
        for name in &sysroots {
            text.push_str(&format!("    \"sysroot:{name}\" [shape=cylinder];\n"));
        }
        // Names are plain ASCII without quotes and backslashes: the parser saw to that.
        for stage in stages {
            let style = if stage.test { " [style=dashed]" } else { "" };
            text.push_str(&format!("    \"{}\"{style};\n", stage.name));
            for name in self.sysroots_of([stage]) {
                text.push_str(&format!("    \"sysroot:{name}\" -> \"{}\";\n", stage.name));
            }
            for need in self.needs(&stage.name) {
                text.push_str(&format!("    \"{}\" -> \"{}\";\n", need.name, stage.name));
            }
        }
        text.push_str("}\n");
        Ok(text)
    }

    /// The targets and what they need as JSON, in the order in which they can be built.
    ///
    /// # Errors
    /// A target is no stage.
    pub fn to_json<S: AsRef<str>>(&self, targets: &[S]) -> Result<String, UnknownStage> {
        let strings = |layers: &[super::InputRef]| layers.iter().map(ToString::to_string).collect();
        let describe = |stage: &'_ Stage| -> StageJson<'_> {
            let stage = self.stage(&stage.name).expect("the closure is of stages of this graph");
            StageJson {
                name: &stage.name,
                summary: &stage.summary,
                test: stage.test,
                params: &stage.params,
                needs: self.needs(&stage.name).map(|need| need.name.as_str()).collect(),
                tools: strings(&stage.tools),
                target: strings(&stage.target),
                inputs: strings(&stage.inputs),
                sources: stage.sources.keys().map(String::as_str).collect(),
            }
        };
        let stages = self.closure(targets)?.into_iter().map(describe).collect();
        let graph = GraphJson { schema: SCHEMA, params: self.params(), stages };
        let mut text = serde_json::to_string_pretty(&graph).expect("the graph has string keys only");
        text.push('\n');
        Ok(text)
    }
}
