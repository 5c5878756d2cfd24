"""Large tables, made up row by row: customers' subscriptions as Excel and CSV."""

from collections.abc import Iterator
from pathlib import Path

from xinqiao_adapters.formats.encoding import Charset
from xinqiao_adapters.formats.spec import Column, CsvSpec, ExcelSpec
from xinqiao_adapters.formats.table.csv import CsvFormat
from xinqiao_adapters.formats.table.excel import ExcelFormat

__all__ = ["COLUMNS", "csv_rows", "excel_rows", "records"]

COLUMNS = (
    "客户姓名", "证件类型", "证件号码", "手机号码", "产品代码", "产品名称", "认购金额", "认购份额", "单位净值", "币种",
    "申请日期", "申请时间", "合同编号", "受益人姓名", "受益人关系", "受益比例", "银行名称", "银行账号", "账户名称",
    "网点", "客户经理", "风险等级", "到期日期", "流水号", "备注",
)  # fmt: skip
_SURNAMES = "王李张刘陈杨赵黄周吴"


def records(count: int) -> Iterator[list[str]]:
    """Yield made-up records, a text for each column."""
    for number in range(count):
        name = f"{_SURNAMES[number % 10]}某{number % 997}"
        yield [
            name, "居民身份证", f"11010119{800101 + number % 28}{number % 1000:03}X", f"139{number:08}", "XT2026001",
            "示例集合资金信托计划", f"{1000000 + number}.00", f"{1000000 + number}", "1.0023", "CNY",
            "2026-01-31", "09:30:00", f"HT{number:010}", name, "本人", "100", "示例银行", f"6222{number:012}", name,
            f"网点{number % 50}", f"经理{number % 200}", "C3", "2028-01-31", f"S{number:012}", "",
        ]  # fmt: skip


def excel_rows(path: Path, count: int) -> None:
    """Write a workbook of so many records, row by row; all cells are texts."""
    form = _excel()
    nodes = (dict(zip(COLUMNS, cells, strict=True)) for cells in records(count))
    with path.open("wb") as file:
        file.writelines(form.write_file({}, nodes))


def csv_rows(path: Path, count: int) -> None:
    """Write a CSV file of so many records, row by row."""
    form = _csv()
    nodes = (dict(zip(COLUMNS, cells, strict=True)) for cells in records(count))
    with path.open("wb") as file:
        file.writelines(form.write_file({}, nodes))


def _excel() -> ExcelFormat:
    return ExcelFormat(ExcelSpec(kind="excel", columns={name: Column() for name in COLUMNS}), Charset("UTF-8"))


def _csv() -> CsvFormat:
    spec = CsvSpec(kind="csv", encoding="GB18030", columns={name: Column() for name in COLUMNS})
    return CsvFormat(spec, Charset("GB18030"))
