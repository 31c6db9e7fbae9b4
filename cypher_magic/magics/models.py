"""%cypher_models: which models there are, out with those that were tuned here, in with those of others."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options, Verb
from cypher_magic.magics.progress import progress_line

_EXPORT, _IMPORT = ("export",), ("import",)

MODELS = Command(
    "%cypher_models",
    "List the models that can be fine-tuned and which of them fit here, export tuned ones, import those of others.\n"
    "Without a verb it lists.",
    words="[list | export RUN | import FOLDER_OR_HUB_ID | use NAME]",
    default_verb="list",
    verbs=(
        Verb(
            "list",
            "the models that can be fine-tuned, and which of them fit here",
            about="It has licence, size, and whether training fits into this device's memory: fits, fits with\n"
            "gradient checkpointing, fits in 4-bit (NVIDIA GPUs), or does not fit. `peak_gb` is what training with\n"
            "default settings is predicted to take with a schema of 900 tokens.",
            examples=("%cypher_models", "%cypher_models list --device cpu --fits"),
        ),
        Verb(
            "export",
            "write a tuned model to a folder or to the Hugging Face Hub, with its exact prompt and a model card",
            "RUN",
            about="RUN is a run or `starter`. A merged model loads with plain transformers; Llama, Mistral, Gemma and\n"
            "Phi-3 get an Ollama Modelfile too. A GGUF can be written of Llama, SmolLM2 and Qwen models.",
            examples=(
                "%cypher_models export movies --to ./movies-model --merged",
                "%cypher_models export movies --push me/movies-cypher",
            ),
        ),
        Verb(
            "import",
            "take in a model that was tuned elsewhere",
            "FOLDER_OR_HUB_ID",
            about="An adapter or a whole model, as safetensors; no code of theirs is run.",
            examples=(
                "%cypher_models import someone/text2cypher-lora --name theirs",
                "%cypher_models import ./their-model --style plain",
            ),
        ),
        Verb(
            "use",
            "let a run or an import answer from now on",
            "NAME",
            about="`starter`, which comes with the package, and `base`, the untuned model, are names too.",
            examples=("%cypher_models use movies", "%cypher_models use starter"),
        ),
    ),
    options=(
        Option(
            "--device",
            metavar="KIND",
            choices=("auto", "cuda", "mps", "cpu"),
            help="for which device: auto, cuda, mps or cpu",
            otherwise="auto",
        ),
        Option("--fits", type=bool, help="only those that fit"),
        Option("--to", metavar="FOLDER", help="the new folder", verbs=_EXPORT),
        Option("--merged", type=bool, help="the whole model, not the adapter alone", verbs=_EXPORT),
        Option(
            "--gguf",
            metavar="FORM",
            optional=True,
            choices=("f16", "q8_0"),
            help="the whole model as one file for llama.cpp, Ollama, LM Studio: f16, or q8_0 of half the size",
            otherwise="f16, where FORM is left out",
            verbs=_EXPORT,
        ),
        Option(
            "--push",
            metavar="OWNER/NAME",
            help="upload it to the Hub, private; token from HF_TOKEN or login",
            verbs=_EXPORT,
        ),
        Option(
            "--public", type=bool, help="let everybody see it on the Hub, the schema in its card too", verbs=_EXPORT
        ),
        Option("--force", type=bool, help="replace an export that is there", verbs=_EXPORT),
        Option(
            "--name", metavar="NAME", help="what to call it here", otherwise="as its folder is called", verbs=_IMPORT
        ),
        Option(
            "--style",
            choices=("chat", "plain"),
            metavar="STYLE",
            help="how it is asked, chat or plain",
            otherwise="what its files say",
            verbs=_IMPORT,
        ),
        Option(
            "--backbone",
            metavar="NAME",
            help="which backbone the adapter was tuned on",
            otherwise="what its files say",
            verbs=_IMPORT,
        ),
        Option("--prefix", metavar="TEXT", help="what stands in front of a question in the plain style", verbs=_IMPORT),
    ),
    examples=(
        "%cypher_models --fits",
        "%cypher_models export movies --to ./movies-model --merged",
        "%cypher_models export movies --to ./movies-gguf --gguf",
        "%cypher_models export movies --push me/movies-cypher",
        "%cypher_models import someone/text2cypher-lora --name theirs",
    ),
    max_words=2,
)


@magics_class
class ModelMagics(Family):
    """Models to choose from, to give away, to take in."""

    @line_magic
    @MODELS
    def cypher_models(self, options: Options) -> Any:
        """A DataFrame, a row for each backbone; of export an Export, of import a Run, of use the name."""
        verb, *names = options.words or ["list"]
        if verb not in MODELS.verb_names:
            known = ", ".join(MODELS.verb_names)
            raise OptionError(f"%cypher_models does not know {verb!r}.", hint=f"it knows {known}")
        if (verb == "list") == bool(names):
            takes = "takes no name" if names else "needs a name"
            raise OptionError(
                f"%cypher_models {verb} {takes}.", hint=f"%cypher_models {verb} -h shows how it is called"
            )
        return getattr(self, f"_{verb}")(options, *names)

    def _list(self, options: Options) -> Any:
        from cypher_magic import session
        from cypher_magic.session.models import imported

        with progress_line() as line:
            line("looking at this machine", 0, 0)
            frame = session.backbones(options.device or "auto")
        print(f"{frame.attrs['device']}: {frame.attrs['free_gb']:.1f} GB free")
        if names := imported():
            print(f"imported: {', '.join(names)} (%cypher_models use NAME)")
        return frame[frame["here"] != "does not fit"] if options.fits else frame

    def _export(self, options: Options, name: str) -> Any:
        from cypher_magic.session.models import export

        with progress_line() as line:
            return export(
                name,
                options.to,
                options.merged,
                options.push,
                not options.public,
                force=options.force,
                gguf=options.gguf or False,
                progress=line,
            )

    def _import(self, options: Options, source: str) -> Any:
        from cypher_magic.session.models import import_model

        with progress_line() as line:
            run = import_model(
                source,
                options.name,
                style=options.style,
                backbone=options.backbone,
                prefix=options.prefix or "",
                progress=line,
            )
        card = run.card
        print(f"{run.name} is asked in the {card['prompt_style']} style: {card['style_because']}")
        print(f"%cypher_models use {run.name} lets it answer")
        return run

    def _use(self, options: Options, name: str) -> str:
        from cypher_magic import session

        print(f"{session.use_run(name)} answers from now on")
        return name
