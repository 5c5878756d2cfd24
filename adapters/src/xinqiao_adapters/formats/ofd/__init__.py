"""Files of JR/T 0017 (开放式基金业务数据交换协议, OFD): data files, index files, their names and fields."""
