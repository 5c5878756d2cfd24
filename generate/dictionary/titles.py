"""What families, classes, sensitivities and the values of enums are called in both languages."""

from protobuf import DescEnum

from generate.descriptors import value_annotation, values_of
from xinqiao.finding import Text

# By the name of a family's proto file.
FAMILIES = {
    "kyc": Text("客户尽职调查", "Customer due diligence"),
    "contract": Text("信托合同", "Trust contract"),
    "delivery": Text("信托财产交付", "Delivery of trust property"),
    "insurance": Text("保险金信托", "Insurance trust"),
    "payment": Text("资金收付", "Payment"),
    "valuation": Text("估值", "Valuation"),
    "disclosure": Text("信息披露", "Disclosure"),
    "trade": Text("交易", "Trade"),
    "distribution": Text("信托利益分配", "Distribution"),
    "prepaid": Text("预付资金服务信托", "Prepaid funds"),
    "securitisation": Text("资产证券化", "Securitisation"),
    "lending": Text("贷款", "Lending"),
    "registry": Text("信托登记", "Trust registration"),
    "annuity": Text("年金", "Annuity"),
    "collateral": Text("担保品", "Collateral"),
    "resolution": Text("风险处置", "Resolution"),
    "person": Text("人员事件", "Person events"),
    "reconciliation": Text("对账", "Reconciliation"),
    "control": Text("控制", "Control"),
}
CLASSES = {
    "REQUEST": Text(
        "请求：要求办理某事，可因次序或政策被拒绝", "request: asks for something, may be refused for order or policy"
    ),
    "FACT": Text(
        "事实：告知已发生之事，有效者不因次序被拒绝", "fact: says what has happened, never refused for its order"
    ),
    "DIRECTIVE": Text(
        "指令：有权机关的命令，优先于排队中的事项", "directive: an authority's order, outranks what is queued"
    ),
}
SENSITIVITIES = {
    "C1": Text("机构内部信息：机构代码、产品代码、状态", "internal: institution codes, product codes, states"),
    "C2": Text(
        "可识别个人或其财产：加密存储，展示时脱敏",
        "identifies a person or their property: encrypted at rest, masked on display",
    ),
    "C3": Text(
        "用于身份鉴别（口令、验证码、生物特征）：不存储，不记日志",
        "authenticates a person (passwords, one-time codes, biometrics): never stored, never logged",
    ),
}


def titles_of(enum: DescEnum) -> dict[str, Text]:
    """Return the titles of the values of an enum by their names, without the zero value."""
    said = {value.name: value_annotation(value) for value in values_of(enum)}
    return {name: Text(each.title_zh, each.title_en) for name, each in said.items()}
