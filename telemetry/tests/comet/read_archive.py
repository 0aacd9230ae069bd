"""Reads an archive with the official package's own checks; prints what it found as one line of JSON."""

import json
import sys
import zipfile
from collections import Counter

from comet_ml import schemas

archive = zipfile.ZipFile(sys.argv[1])
problems = []
try:
    validator = schemas.get_experiment_file_validator()
    validator.validate(json.loads(archive.read("experiment.json")))
except Exception as error:
    problems.append("experiment.json: %s" % error)

validators = {
    "metric_msg": schemas.get_metric_msg_validator,
    "parameter_msg": schemas.get_parameter_msg_validator,
    "log_other": schemas.get_log_other_msg_validator,
    "file_upload": schemas.get_upload_msg_validator,
    "standard_output": schemas.get_standard_output_msg_validator,
    "html": schemas.get_html_msg_validator,
    "file_name": schemas.get_file_name_msg_validator,
    "git_metadata": schemas.get_git_metadata_msg_validator,
    "system_info": schemas.get_system_info_msg_validator,
}
types = Counter()
names = set(archive.namelist())
for number, line in enumerate(archive.read("messages.json").decode("utf-8").splitlines(), 1):
    message = json.loads(line)
    types[message["type"]] += 1
    try:
        validators[message["type"]]().validate(message["payload"])
    except Exception as error:
        problems.append("line %d: %s" % (number, error))
    if message["type"] == "file_upload" and message["payload"]["file_path"] not in names:
        problems.append("line %d: its file is not there" % number)
print(json.dumps({"types": types, "problems": problems}))
