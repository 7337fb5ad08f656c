"""Chinese wording; the sources' own text stands in it unchanged."""

from __future__ import annotations

from docutune.plugins.generators.grounded.phrasing import Phrasing, Wording

_FORMS = {
    "purpose": Phrasing(
        questions=(
            "`{name}` 是做什么用的？",
            "`{name}` 有什么作用？",
            "请说明 `{name}` 的用途。",
            "什么时候会用到 `{name}`？",
            "能简单介绍一下 `{name}` 吗？",
            "我想了解 `{name}`，它的功能是什么？",
        ),
        answer=("`{name}` 的用途：{summary}",),
    ),
    "signature": Phrasing(
        questions=(
            "`{name}` 的签名是什么？",
            "`{name}` 是怎么声明的？",
            "请给出 `{name}` 的完整签名。",
            "源码中 `{name}` 的声明是什么样的？",
            "想看一下 `{name}` 的签名，怎么写？",
            "`{name}` 在源码里如何定义参数和返回值？",
        ),
        answer=("`{name}` 的声明如下：\n\n```{language}\n{signature}\n```",),
    ),
    "declaration": Phrasing(
        questions=(
            "{noun} `{name}` 是怎么声明的？",
            "`{name}` 的声明是什么？",
            "请给出 `{name}` 的定义。",
            "`{name}` 在源码里是如何定义的？",
            "`{name}` 的类型或取值是什么？",
            "请写出{noun} `{name}` 的声明。",
        ),
        answer=("`{name}` 的声明如下：\n\n```{language}\n{signature}\n```",),
    ),
    "parameters": Phrasing(
        questions=(
            "`{name}` 有哪些参数？",
            "请列出 `{name}` 的参数。",
            "调用 `{name}` 时可以传入什么？",
            "`{name}` 的参数名分别是什么？",
            "`{name}` 接受哪些参数？",
            "我想知道 `{name}` 的全部参数。",
        ),
        answer=("`{name}` 的参数有 {parameters}。",),
    ),
    "parameter": Phrasing(
        questions=(
            "`{name}` 的参数 `{parameter}` 是什么意思？",
            "`{name}` 中的 `{parameter}` 有什么用？",
            "调用 `{name}` 时，`{parameter}` 应该传什么？",
            "请解释 `{name}` 的 `{parameter}` 参数。",
            "`{parameter}` 参数对 `{name}` 有什么影响？",
            "`{name}` 的 `{parameter}` 参数怎么理解？",
        ),
        answer=("`{parameter}`：{description}", " 默认值为 `{default}`。"),
    ),
    "default": Phrasing(
        questions=(
            "`{name}` 的参数 `{parameter}` 默认值是多少？",
            "调用 `{name}` 时不传 `{parameter}`，它会取什么值？",
            "`{name}` 里 `{parameter}` 的默认值是什么？",
            "如果省略 `{parameter}`，`{name}` 会使用什么值？",
            "请告诉我 `{name}` 中 `{parameter}` 的缺省值。",
            "在 `{name}` 的签名中，`{parameter}` 默认等于什么？",
        ),
        answer=("在 `{name}` 中，`{parameter}` 的默认值是 `{default}`。",),
    ),
    "returns": Phrasing(
        questions=(
            "`{name}` 返回什么？",
            "调用 `{name}` 会得到什么？",
            "`{name}` 的返回值是什么？",
            "`{name}` 的调用结果是什么？",
            "请说明 `{name}` 的返回值。",
            "`{name}` 会返回什么样的值？",
        ),
        answer=("`{name}` 返回 `{type}`。", "`{name}` 的返回值：{description}", " 返回类型为 `{also}`。"),
    ),
    "usage": Phrasing(
        questions=(
            "`{name}` 怎么用？",
            "请给一个使用 `{name}` 的例子。",
            "能写一段 `{name}` 的示例代码吗？",
            "使用 `{name}` 的代码一般是什么样的？",
            "请用代码演示 `{name}` 的用法。",
            "我想用 `{name}`，代码该怎么写？",
        ),
        answer=(
            "{lead}\n\n",
            "`{unannounced}` 的用法示例：\n\n",
            "`{name}` 的用法示例（这里用的是它的另一个名字 `{spelled}`）：\n\n",
            "```{language}\n{code}\n```",
        ),
    ),
    "lookup": Phrasing(
        questions=(
            "`{package}` 中哪个{noun}的说明是“{task}”？",
            "我在找 `{package}` 里的一个{noun}，它的作用是“{task}”，叫什么名字？",
            "`{package}` 里符合“{task}”这一描述的是什么？",
            "用途为“{task}”的是 `{package}` 的哪个{noun}？",
            "在 `{package}` 中，“{task}”对应的{noun}是哪一个？",
            "“{task}”说的是 `{package}` 的哪个{noun}？",
        ),
        answer=("是 `{name}`：{summary}",),
    ),
    "task": Phrasing(
        questions=(
            "用 `{package}` 怎样实现“{task}”？",
            "想要“{task}”，应该用 `{package}` 的哪个{noun}？",
            "我需要“{task}”，`{package}` 提供了什么？",
            "`{package}` 里有没有可以“{task}”的{noun}？",
            "在 `{package}` 中，要做到“{task}”该调用什么？",
            "`{package}` 的哪个{noun}可以用来“{task}”？",
        ),
        answer=("可以用 `{name}`：{summary}",),
    ),
    "explanation": Phrasing(
        questions=(
            "文档中关于“{topic}”是怎么说的？",
            "请解释一下“{topic}”。",
            "文档的“{topic}”一节讲了什么？",
            "关于“{topic}”，我需要了解哪些内容？",
            "我正在看“{topic}”这部分文档，要点是什么？",
            "“{topic}”部分说明了什么？",
        ),
        answer=("{text}",),
    ),
    "inheritance": Phrasing(
        questions=(
            "`{name}` 继承自哪个类？",
            "`{name}` 的基类是什么？",
            "`{name}` 是从什么类派生的？",
            "`{name}` 是哪个类的子类？",
            "请说出 `{name}` 的直接父类。",
            "从继承关系看，`{name}` 的上一级是什么？",
        ),
        answer=("`{name}` 继承自 {bases}。",),
    ),
    "members": Phrasing(
        questions=(
            "`{name}` 有哪些公开成员？",
            "{noun} `{name}` 里包含什么？",
            "请列出 `{name}` 提供的内容。",
            "在 `{name}` 里可以找到什么？",
            "`{name}` 中定义了哪些名字？",
            "请概览一下 `{name}` 的成员。",
        ),
        answer=("`{name}` 包含 {members}。", "`{name}` 包含 {some} 等。"),
    ),
    "negative": Phrasing(
        questions=(
            "`{wrong}` 是做什么用的？",
            "`{wrong}` 怎么用？",
            "`{wrong}` 的签名是什么？",
            "请介绍一下 `{wrong}`。",
            "`{wrong}` 有哪些参数？",
            "有 `{wrong}` 这个接口吗？",
        ),
        answer=("不存在 `{wrong}`。你要找的是不是 `{name}`？它的说明是：{summary}",),
    ),
}

CHINESE = Wording(
    forms=_FORMS,
    nouns={
        "attribute": "属性",
        "class": "类",
        "constant": "常量",
        "function": "函数",
        "method": "方法",
        "module": "模块",
        "property": "属性",
    },
    comma="、",
    conjunction=" 和 ",
)
