"""What each panel offers, for terminals: the magics that do the same."""

from __future__ import annotations

TEXT = {
    "train": """\
The training panel needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same from here:
  the graph                  %cypher_connect demo
  the data, checked          %cypher_data check train.csv --val val.csv --fix
  start                      %finetune my-run --data train.csv --val val.csv --epochs 3
  before: memory, time       %finetune my-run --data train.csv --dry-run
  every setting              %finetune -h
  in the background          %finetune my-run --data train.csv --background
  watch, stop, go on         %finetune attach my-run, %finetune stop my-run, %finetune resume my-run
  the runs                   %finetune list
  a question                 %cypher_ask Which actors played in The Matrix?""",
    "ask": """\
The panel for questions needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same from here:
  a question                 %cypher_ask Which actors played in The Matrix?
  one that goes on from it   %cypher_ask and which of them also directed?
  another model              %cypher_ask --model my-run Who directed Alien?
  a query of your own        %cypher MATCH (m:Movie) RETURN m.title LIMIT 5
In Python: answer.edit(query) runs your query in its place, answer.save_example("corrections.jsonl") keeps it,
answer.save_for_review("corrections.wrong.jsonl") where you know no better one.""",
    "data": """\
The data panel needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same from here:
  the data, checked          %cypher_data check train.csv --val val.csv
  which column is what       %cypher_data check train.csv --columns question=A,query=B
  repaired and written       %cypher_data check train.csv --val val.csv --fix --to data
  lengths in tokens          %cypher_data check train.csv --backbone smollm2-135m
  pairs from the graph       %cypher_data generate --rows 600 --out pairs.jsonl""",
    "review": """\
The review panel needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same in Python:
  from cypher_magic import review
  queue = review("pairs.jsonl")          # the most doubtful first; goes on where it was left
  pair = queue.current                   # queue.look() runs its query
  queue.accept()                         # or queue.reject("why"), queue.edit(query=...), queue.undo()
  queue.accepted()                       # the examples for training""",
    "models": """\
The models panel needs a notebook (JupyterLab, Notebook 7, VS Code, Colab). The same from here:
  the runs                   %finetune list
  two of them                %finetune compare one other
  how good one is            %cypher_eval my-run --data val.csv --against base
  out and in                 %cypher_models export my-run --to folder, %cypher_models import folder --name theirs
  which one answers          %cypher_models use my-run
  away with one              %finetune remove my-run""",
}
