"""The DAG files, read by Airflow itself in a process of its own."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "airflow_dags"
READ = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
dags = {name: {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} for name, dag in bag.dags.items()}
retries = {name: sorted({task.retries for task in dag.tasks}) for name, dag in bag.dags.items()}
mapped = [task.task_id for task in bag.dags["ingest"].tasks if task.is_mapped]
print(json.dumps({"errors": bag.import_errors, "dags": dags, "retries": retries, "mapped": mapped}))
"""


def test_airflow_reads_the_dags_without_an_error(tmp_path: Path) -> None:
    environment = {
        "PATH": os.defpath,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
    }
    read = subprocess.run(
        [sys.executable, "-I", "-c", READ, str(FOLDER)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(read.stdout.splitlines()[-1])
    assert found["errors"] == {}
    assert found["dags"] == {
        "ingest": {"plan": ["part"], "part": ["commit"], "commit": ["serve"], "serve": []},
        "deliver": {"deliver": []},
        "sweep": {"sweep": []},
    }
    assert found["mapped"] == ["part"]
    assert found["retries"] == {"ingest": [4], "deliver": [4], "sweep": [0]}


def test_the_files_import_airflows_sdk_and_the_standard_library_alone() -> None:
    for path in FOLDER.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.startswith("airflow.sdk") or name.split(".")[0] in sys.stdlib_module_names
