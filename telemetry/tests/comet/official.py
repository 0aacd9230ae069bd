"""A run of the official client against the server that COMET_URL_OVERRIDE names."""

import comet_ml

experiment = comet_ml.Experiment(
    project_name="project",
    workspace="team",
    log_code=False,
    log_graph=False,
    log_git_metadata=False,
    log_git_patch=False,
    log_env_details=False,
    log_env_gpu=False,
    log_env_cpu=False,
    log_env_network=False,
    log_env_disk=False,
    log_env_host=False,
    auto_output_logging=False,
    auto_metric_logging=False,
    auto_param_logging=False,
    parse_args=False,
    display_summary_level=0,
)
for step in range(20):
    experiment.log_metric("loss", 1.0 / (step + 1), step=step, epoch=1)
experiment.log_metric("accuracy", float("nan"), step=20)
experiment.log_parameters({"rate": 0.01, "layers": [64, 32], "nested": {"b": {"c": "x"}}})
experiment.log_other("colour", "blue")
experiment.add_tags(["baseline"])
experiment.log_html("<b>hi</b>")
experiment.log_text("a text")
experiment.log_histogram_3d([-1.0, 0.0, 1.0, 2.5], name="weights", step=1)
experiment.log_confusion_matrix(matrix=[[2, 0], [1, 1]], labels=["cat", "dog"])
experiment.log_curve("roc", [0.0, 1.0], [0.0, 1.0])
experiment.end()
