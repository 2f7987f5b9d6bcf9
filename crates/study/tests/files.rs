//! Studies' files: what they make, and what they are refused for.

use pairnet_models::variant;
use pairnet_network::Weights;
use pairnet_record::Study;
use pairnet_study::{Setting, StudyError, changed, read};
use pairnet_training::{OptimiserKind, Plan, RandomNumbers, Recipe};

const HEAD: &str = "title = \"A title\"\nquestion = \"Is it so?\"\n";

/// With two lines of title and question before it.
fn file(rest: &str) -> Result<(Plan, Study), StudyError> {
    read(&format!("{HEAD}{rest}"))
}

fn cells(plan: &Plan) -> Vec<&str> {
    plan.recipes.iter().map(|recipe| &*recipe.name).collect()
}

#[track_caller]
fn refused(rest: &str, line: usize, reason: &str) {
    let error = file(rest).unwrap_err();
    assert_eq!(error.line, Some(line), "{error}");
    assert!(error.reason.contains(reason), "{error}");
}

#[test]
fn a_title_and_a_question_are_the_paper_with_common_random_numbers() {
    let (plan, study) = file("").unwrap();
    let paper = Recipe { random_numbers: RandomNumbers::Common, ..Recipe::paper() };
    assert_eq!(plan.recipes, [paper]);
    assert_eq!((plan.variants.len(), plan.runs, plan.seed), (8, 10, 0));
    assert_eq!((&*study.title, &*study.question, &*study.base), ("A title", "Is it so?", "paper"));
    assert!(study.axes.is_empty() && study.references.is_empty());
}

#[test]
fn a_grid_is_all_values_with_all_and_the_base_comes_first() {
    let (plan, study) = file("[grid]\nlearning_rate = [0.01, 0.1]\nepochs = [5, 25]\n").unwrap();
    let expected = [
        "paper",
        "learning_rate-0.01--epochs-5",
        "learning_rate-0.1--epochs-5",
        "learning_rate-0.1--epochs-25",
    ];
    assert_eq!(cells(&plan), expected);
    assert_eq!(study.axes, ["learning_rate", "epochs"]);
    assert_eq!((plan.recipes[3].learning_rate, plan.recipes[3].epochs), (0.1, 25));
}

#[test]
fn what_is_set_is_in_every_cell() {
    let (plan, study) = file(
        "runs = 3\nseed = 7\n[set]\nepochs = 2\n[grid]\noptimiser = [\"sgd\", \"adam\"]\n\
         [[cell]]\nname = \"clipped\"\ngradient_clip = 1\n\
         [[cell]]\nname = \"the-code\"\nbase = \"authors\"\nepochs = 3\n",
    )
    .unwrap();
    assert_eq!(cells(&plan), ["base", "optimiser-sgd", "clipped", "the-code"]);
    assert_eq!(plan.recipes.iter().map(|r| r.epochs).collect::<Vec<_>>(), [2, 2, 2, 3]);
    let (set, _) =
        file("[set]\nbatch_size = 100\n[[cell]]\nname = \"the-code\"\nbase = \"authors\"\n")
            .unwrap();
    assert_eq!((&*set.recipes[1].name, set.recipes[1].batch_size), ("the-code", 100));
    assert_eq!(plan.recipes[1].optimiser, OptimiserKind::Sgd);
    assert_eq!(plan.recipes[2].gradient_clip, Some(1.0));
    assert_eq!(plan.recipes[3].auxiliary_weight, Recipe::authors().auxiliary_weight);
    assert_eq!((study.base.as_str(), plan.runs, plan.seed), ("base", 3, 7));
}

#[test]
fn no_training_is_there_twice() {
    let (plan, _) = file("[grid]\ntraining_pairs = [100, 1000]\n").unwrap();
    assert_eq!(cells(&plan), ["paper", "training_pairs-100"]);
    let (plan, _) = file("[grid]\nauxiliary_weight = [1, 1.0, 0.5]\n").unwrap();
    assert_eq!(cells(&plan), ["paper", "auxiliary_weight-1"]);
}

#[test]
fn fields_that_may_be_nothing_are_set_to_none() {
    let (plan, _) =
        file("[set]\ngradient_clip = 1.0\n[grid]\ngradient_clip = [\"none\", 2.0]\n").unwrap();
    assert_eq!(cells(&plan), ["base", "gradient_clip-none", "gradient_clip-2.0"]);
    assert_eq!(plan.recipes[1].gradient_clip, None);
}

#[test]
fn variants_with_sizes_changed_fit_together() {
    let (plan, _) = file(
        "variants = [\"wide\", \"mlp\", \"narrow\", \"apart\"]\n\
         [[network]]\nname = \"wide\"\nfrom = \"mlp-ws-al\"\nbranch_outputs = [400, 20, 10]\n\
         comparator_outputs = [7, 8]\ndropout = 0\n\
         [[network]]\nname = \"narrow\"\nfrom = \"lenet5-ws\"\nbranch_outputs = [4, 5, 6]\n\
         [[network]]\nname = \"apart\"\nfrom = \"lenet5-ws-al\"\nweight_sharing = false\n\
         auxiliary_loss = false\nbackbone = \"lenet5-digits\"\n",
    )
    .unwrap();
    let [wide, mlp, narrow, apart] = &plan.variants[..] else { panic!("{:?}", plan.variants) };
    assert_eq!(mlp, variant("mlp").unwrap());
    let sizes = |layers: &[pairnet_network::Layer]| -> Vec<(usize, usize)> {
        let size = |weights| match weights {
            Weights::Linear { inputs, outputs } | Weights::Convolution { inputs, outputs, .. } => {
                (inputs, outputs)
            }
        };
        layers.iter().map(|layer| size(layer.weights)).collect()
    };
    let branch =
        |network: &pairnet_network::Architecture| sizes(&network.branch.as_ref().unwrap().layers);
    assert_eq!(branch(wide), [(196, 400), (400, 20), (20, 10)]);
    assert_eq!(sizes(&wide.comparator), [(20, 7), (7, 8), (8, 1)]);
    let words: Vec<String> =
        wide.comparator.iter().flat_map(|l| &l.steps).map(ToString::to_string).collect();
    assert!(!words.is_empty() && words.iter().all(|step| !step.contains("dropout")), "{words:?}");
    assert_eq!(branch(narrow), [(1, 4), (4, 5), (5, 6)]);
    assert_eq!(sizes(&narrow.comparator)[0], (12, 84));
    assert!(!apart.weight_sharing && !apart.auxiliary_loss && apart.backbone == "lenet5-digits");
}

#[test]
fn networks_can_be_written_out() {
    let (plan, study) = file(
        r#"base_network = "tiny"
        [[network]]
        name = "tiny"
        backbone = "tiny"
        weight_sharing = true
        auxiliary_loss = true
        comparator = [{ kind = "linear", inputs = 20, outputs = 1, steps = [] }]
        [network.branch]
        output = "digits"
        layers = [
          { kind = "convolution", inputs = 1, outputs = 4, kernel = 3, steps = ["relu", "max-pool"] },
          { kind = "linear", inputs = 144, outputs = 10, steps = ["dropout 0.5"] },
        ]
        "#,
    )
    .unwrap();
    assert_eq!(plan.variants.len(), 1);
    assert_eq!(plan.variants[0].parameters(), 40 + 1450 + 21);
    assert_eq!(study.base_network.as_deref(), Some("tiny"));
}

#[test]
fn references_stand_beside_a_cell_and_a_network() {
    let reference = |cell: &str, network: &str| {
        format!(
            "variants = [\"mlp\"]\n[[reference]]\nsource = \"s\"\ncell = \"{cell}\"\n\
             network = \"{network}\"\nmean = 80\n"
        )
    };
    let (_, study) = file(&reference("paper", "mlp")).unwrap();
    assert_eq!((study.references[0].mean, study.references[0].std), (80.0, None));
    refused(&reference("papre", "mlp"), 4, "there is no cell 'papre'; did you mean 'paper'?");
    refused(&reference("paper", "mpl"), 4, "there is no network 'mpl'; did you mean 'mlp'?");
}

#[test]
fn networks_are_compared_in_pairs() {
    let (_, study) = file("compare = [[\"mlp-ws\", \"mlp\"], [\"lenet5\", \"mlp\"]]\n").unwrap();
    assert_eq!(study.contrasts, [["mlp-ws", "mlp"], ["lenet5", "mlp"]]);
    refused("compare = [\n[\"mlp-sw\", \"mlp\"]]\n", 4, "did you mean 'mlp-ws'?");
    refused("compare = [[\"mlp\", \"mlp\"]]\n", 3, "'mlp' is compared with itself");
    refused("compare = [[\"mlp\"]]\n", 3, "");
}

#[test]
fn what_is_unknown_is_told_with_its_line_and_the_nearest() {
    refused("varients = []\n", 3, "did you mean 'variants'?");
    refused("\nbase = \"papr\"\n", 4, "there is no recipe 'papr'; did you mean 'paper'?");
    refused("variants = [\n\"mlp\",\n\"mlp-sw\"]", 5, "there is no network 'mlp-sw'; did you mean");
    refused("[set]\nepochs = 1\nepoch = 2\n", 5, "did you mean 'epochs'?");
    refused("[grid]\nlearning_rates = [1]\n", 4, "did you mean 'learning_rate'?");
    refused("[grid]\noptimiser = [\"adam\",\n\"sdg\"]\n", 5, "did you mean 'sgd'?");
    refused("[[cell]]\nname = \"x\"\nshedule = \"cosine\"\n", 5, "did you mean 'schedule'?");
    refused("[[cell]]\nname = \"x\"\nbase = \"author\"\n", 5, "did you mean 'authors'?");
    refused("[[network]]\nname = \"x\"\nfrom = \"lenet\"\n", 3, "did you mean 'lenet5'?");
    refused("[[network]]\nname = \"x\"\nbackbon = \"mlp\"\n", 3, "did you mean 'backbone'?");
    refused("base_network = \"nlp\"\n", 3, "did you mean 'mlp'?");
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    refused("runs = \"many\"\n", 3, "invalid type");
    refused("x = [\n", 3, "unclosed array");
    refused("[set]\n\nepochs = 0\n", 5, "epochs = 0: at least 1 is needed");
    refused("[set]\nepochs = [1]\n", 4, "epochs: a field is one number, word");
    refused("[set]\nlearning_rate = inf\n", 4, "learning_rate: a field cannot be inf");
    refused("[set]\nepochs = 3\nvariants = [\"mlp\"]\n", 5, "stand before the first [table]");
    refused("[set]\nname = \"foo\"\n", 4, "none of its settings");
    refused("[grid]\nname = [\"foo\"]\n", 4, "none of its settings");
    refused(&format!("[[cell]]\nname = \"{}\"\nepochs = 3\n", "x".repeat(151)), 3, "too long");
    refused("compare = [[\"mlp\", \"lenet5\"],\n[\"lenet5\", \"mlp\"]]\n", 4, "compared twice");
    for number in ["mean = 900", "mean = nan", "mean = 80\nstd = -1"] {
        let reference = format!(
            "[[reference]]\nsource = \"s\"\ncell = \"paper\"\nnetwork = \"mlp\"\n{number}\n"
        );
        refused(&reference, 3, "mean is in percent");
    }
    refused("[grid]\nepochs = []\n", 4, "epochs: no values");
    refused("[grid]\nepochs = [1, 2]\nmomentum = [0.5]\n", 4, "only the optimiser sgd");
    refused("[[cell]]\nepochs = 3\n", 3, "a cell has a name");
    refused("[[cell]]\nname = 3\n", 4, "name is a word, not integer");
    refused("[[cell]]\nname = \"a b\"\nepochs = 3\n", 3, "is no name of a cell");
    refused("[[cell]]\nname = \"..\"\nepochs = 3\n", 3, "is no name of a cell");
    refused("[[cell]]\nname = \"x\"\n", 3, "cell 'x' is cell 'paper' again");
    refused("[[cell]]\nname = \"authors\"\nepochs = 3\n", 3, "call it otherwise");
    refused("[set]\nepochs = 3\n[[cell]]\nname = \"base\"\nepochs = 4\n", 5, "two cells 'base'");
    refused("variants = [\"mlp\", \"mlp\"]\n", 3, "'mlp' stands twice");
    refused("[[network]]\nname = \"mlp\"\nfrom = \"mlp\"\n", 3, "two networks 'mlp'");
    let sizes = |line: &str| format!("[[network]]\nname = \"x\"\nfrom = \"mlp-ws\"\n{line}\n");
    refused(&sizes("branch_outputs = [1, 2]"), 3, "there are 3 layers, not 2");
    refused(&sizes("comparator_outputs = [1]"), 3, "comparator_outputs: there are 2 layers before");
    refused(&sizes("branch_outputs = [1, 0, 3]"), 3, "branch.1");
    refused(&sizes("auxiliary_loss = true"), 3, "");
    refused("[[network]]\nname = \"x\"\nfrom = \"mlp\"\nbranch_outputs = [1]\n", 3, "no branch");
    let many: Vec<String> = (1..=101).map(|number| number.to_string()).collect();
    let many = many.join(", ");
    refused(&format!("[grid]\nepochs = [{many}]\npairs = [{many}]\n"), 5, "more than 10000 cells");
    assert!(read("question = \"?\"").unwrap_err().reason.contains("missing field `title`"));
    assert!(file("variants = []").is_err());
    let untitled = read("title = \" \"\nquestion = \"?\"").unwrap_err();
    assert_eq!(untitled.reason, "the title is empty");
}

#[test]
fn settings_of_the_command_line_name_what_they_change() {
    let settings = |texts: &[&str]| -> Vec<Setting> {
        texts.iter().map(|text| Setting::parse(text).unwrap()).collect()
    };
    let recipe = changed(&Recipe::authors(), &settings(&["auxiliary_weight=1.0", "epochs = 50"]));
    let recipe = recipe.unwrap();
    assert_eq!(recipe.name, "authors--auxiliary_weight-1.0--epochs-50");
    assert_eq!((recipe.auxiliary_weight, recipe.epochs), (1.0, 50));
    assert_eq!(recipe.random_numbers, RandomNumbers::Own);
    assert_eq!(changed(&Recipe::paper(), &[]).unwrap(), Recipe::paper());
    let error = |text: &str| changed(&Recipe::paper(), &settings(&[text])).unwrap_err().to_string();
    assert!(error("epoch=3").ends_with("did you mean 'epochs'?"));
    assert!(error("schedule=cosin").ends_with("did you mean 'cosine'?"));
    assert!(error("epochs=0").contains("at least 1"));
    assert!(error("name=x").contains("none of its settings"));
    let twice = changed(&Recipe::paper(), &settings(&["epochs=3", "epochs=4"])).unwrap_err();
    assert_eq!(twice.to_string(), "epochs is set twice");
    let large = changed(&Recipe::paper(), &settings(&["learning_rate=1e30"])).unwrap();
    assert_eq!(large.name, "paper--learning_rate-1e30");
    assert_eq!(Setting::parse("epochs").unwrap_err().to_string(), "'epochs' is no FIELD=VALUE");
}
