"""What each panel offers, for terminals: the magics that do the same."""

from __future__ import annotations

TEXT = {
    "train": """\
The training panel needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same from here:
  the graph                  %cypher_connect demo
  the data, checked          %cypher_data check train.csv --val val.csv --fix
  start                      %finetune my-run --data train.csv --val val.csv --epochs 3
  every setting              %finetune -h
  in the background          %finetune my-run --data train.csv --background
  watch, stop                %finetune attach my-run, %finetune stop my-run
  the runs                   %finetune list
  a question                 %cypher_ask Which actors played in The Matrix?""",
}
