"""The comments of a written pipeline file, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """One comment in both languages."""

    en: str
    zh: str


COMMENTS = {
    "head": Words(
        "Written by docutune init. docutune plugins info NAME shows every option of a plugin.",
        "由 docutune init 写成。docutune plugins info NAME 列出某个插件的全部选项。",
    ),
    "head_qa": Words(
        "docutune dataset import FILE and docutune dataset add put pairs in; docutune dataset validate checks them.",
        "docutune dataset import FILE 和 docutune dataset add 加入更多问答对；docutune dataset validate 逐行检查。",
    ),
    "version": Words("version of this file format", "本文件格式的版本"),
    "project": Words("name of the library", "库的名称"),
    "language": Words("of the generated samples: en, zh or [en, zh]", "生成样本的语言：en、zh 或 [en, zh]"),
    "sources": Words("what to read, from this file's folder", "要读取的内容，路径相对于本文件所在目录"),
    "documents": Words("documents", "文档"),
    "code": Words("code: it is read, never run", "代码：只读取，从不运行"),
    "samples": Words("question-answer pairs", "现成的问答对"),
    "split_of": Words("the split of all these pairs", "这些问答对所属的划分"),
    "include": Words("the files to read, as in .gitignore", "要读取的文件，写法同 .gitignore"),
    "exclude": Words("what to leave out, as in .gitignore", "要排除的内容，写法同 .gitignore"),
    "generate": Words("what makes samples from documents and code", "由文档和代码生成样本"),
    "phrasings": Words("ways to ask for one fact, 1 to 6", "同一事实的问法数量，1 到 6"),
    "curate": Words("what leaves samples out, in this order", "依次筛除样本"),
    "duplicates": Words("doubles, contradictions, empty answers", "重复、矛盾和空的回答"),
    "leakage": Words("training rows that give a held-out answer away", "泄露留出答案的训练样本"),
    "quality": Words("answers that are cut off, empty of sense, refusals", "残缺、无意义或拒答的回答"),
    "secrets": Words("keys, passwords, personal data", "密钥、口令和个人信息"),
    "split": Words("what is held out from training", "不参与训练的部分"),
    "rephrased": Words("share of the facts asked in words never trained", "用未训练过的问法来提问的事实所占比例"),
    "test": Words("share of the pairs, unless a file is the test", "问答对中用于测试的比例（已有测试文件时除外）"),
    "validation": Words("share for the validation loss", "用于计算验证损失的比例"),
    "seed": Words("decides what is held out", "决定留出哪些样本"),
    "train": Words("trainings, each of one base model", "训练，每项对应一个基座模型"),
    "uses": Words("the plugin; docutune plugins list shows all", "插件名；docutune plugins list 列出全部"),
    "model": Words("base model: a hub name or a folder", "基座模型：模型库中的名称或本地目录"),
    "tiny": Words(
        "made on the spot to show that the way works, and no more",
        "当场制作，只用来证明整条路是通的",
    ),
    "for_real": Words(
        "For real use, with a GPU: model Qwen/Qwen3-0.6B, learning_rate 2.0e-4, epochs 3 instead of max_steps.",
        "真正使用（需要 GPU）：model 改为 Qwen/Qwen3-0.6B，learning_rate 改为 2.0e-4，并用 epochs: 3 代替 max_steps。",
    ),
    "lora_rank_of": Words("size of the adapter: 8 to 64", "适配器的秩，即大小：8 到 64"),
    "lora_rank": Words("size of the adapter", "适配器的秩，即大小"),
    "epochs": Words("passes over the samples", "遍历样本的次数"),
    "max_steps": Words("optimizer steps", "优化器步数"),
    "learning_rate": Words("peak learning rate", "最高学习率"),
    "tiny_rate": Words("right for builtin/tiny alone", "只适合 builtin/tiny"),
    "max_length": Words("longest sample in tokens; longer: left out", "样本的最大 token 数；更长的会被排除"),
    "batch_size": Words("samples per optimizer step", "每个优化器步的样本数"),
    "fit": Words("cut each step so that it fits the GPU's memory", "自动切分每一步，使之放得进显存"),
    "evaluate": Words("what measures base and tuned model", "对基座模型和微调后的模型的评测"),
    "metrics": Words("against the expected answers; the first leads", "与标准答案比较；第一项最先显示"),
    "max_probes": Words("held-out questions asked at most", "最多提问的留出问题数"),
    "no_train": Words(
        "Nothing is trained yet. To train, take the # off (it needs docutune[trl,eval] and a GPU):",
        "目前不训练。要训练，请去掉下面的 #（需要 docutune[trl,eval] 和 GPU）：",
    ),
}
"""What is said of each key or choice."""
