//! Networks that cross weight sharing with an auxiliary loss.

use pairnet_network::Architecture;
use pairnet_record::RecipeSettings;

use crate::entry::Entry;
use crate::runs::{Backbone, Runs, within};

/// Sharing and auxiliary loss of basic, weight sharing, auxiliary loss, both.
const KINDS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

/// Every backbone of every cell whose networks have each combination of the two exactly once.
pub(super) fn backbones(
    networks: &[Architecture],
    recipes: &[RecipeSettings],
    entries: &[Entry],
) -> Vec<Backbone> {
    let mut names: Vec<&str> = Vec::new();
    for network in networks {
        if !names.contains(&&*network.backbone) {
            names.push(&network.backbone);
        }
    }
    let crossed: Vec<(&str, [&str; 4])> =
        names.into_iter().filter_map(|name| Some((name, crossed(networks, name)?))).collect();
    let mut backbones = Vec::new();
    for recipe in recipes {
        for (name, kinds) in &crossed {
            let runs = |kind: &str| {
                let own =
                    |entry: &&Entry| (&*entry.recipe, &*entry.variant) == (&recipe.name, kind);
                entries.iter().find(own).map(Runs::of)
            };
            let [basic, sharing, auxiliary, both] = kinds.map(runs);
            let kinds = basic.zip(sharing).zip(auxiliary.zip(both));
            backbones.extend(kinds.map(|((basic, sharing), (auxiliary, both))| Backbone {
                recipe: recipe.name.clone(),
                name: (*name).to_owned(),
                comparison: within(recipe),
                kinds: [basic, sharing, auxiliary, both],
            }));
        }
    }
    backbones
}

/// The names of the four networks of `backbone`; `None` where it has not each kind once.
fn crossed<'a>(networks: &'a [Architecture], backbone: &str) -> Option<[&'a str; 4]> {
    let only = |kind: (bool, bool)| {
        let mut own = networks.iter().filter(|network| {
            network.backbone == backbone && (network.weight_sharing, network.auxiliary_loss) == kind
        });
        own.next().filter(|_| own.next().is_none()).map(|network| &*network.name)
    };
    let [basic, sharing, auxiliary, both] = KINDS.map(only);
    Some([basic?, sharing?, auxiliary?, both?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, backbone: &str, flags: (bool, bool)) -> Architecture {
        Architecture {
            name: name.to_owned(),
            backbone: backbone.to_owned(),
            weight_sharing: flags.0,
            auxiliary_loss: flags.1,
            branch: None,
            comparator: Vec::new(),
        }
    }

    #[test]
    fn kinds_are_told_by_flags_and_not_by_names() {
        let mut networks = vec![
            network("d", "own", (true, true)),
            network("a", "own", (false, false)),
            network("mlp-ws", "other", (true, false)),
            network("c", "own", (false, true)),
            network("b", "own", (true, false)),
        ];
        assert_eq!(crossed(&networks, "own"), Some(["a", "b", "c", "d"]));
        assert_eq!(crossed(&networks, "other"), None);
        networks.push(network("e", "own", (true, false)));
        assert_eq!(crossed(&networks, "own"), None, "sharing is there twice");
    }
}
