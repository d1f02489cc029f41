"""Everything written or printed: tables, report, figures."""
