module retrace

go 1.26
