"""Who may not say when a mail is due may only cancel it, and only before anybody sends it.

The public and the desk process need the right to write ``state`` in order to cancel. Without this
rule the same right would let whoever took over the website queue every letter a second time.
"""

from django.db import migrations

RULE = """
CREATE FUNCTION picketline_only_cancels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- By the table's number: a temporary table could take its name.
    IF NOT pg_catalog.has_column_privilege(TG_RELID, 'due_at', 'UPDATE') THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'permission denied: this role may only cancel mail that nobody sends';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER picketline_only_cancels BEFORE UPDATE OF state ON picketline_delivery
FOR EACH ROW WHEN (
    OLD.state IS DISTINCT FROM NEW.state
    AND NOT (OLD.state IN ('queued', 'deferred') AND NEW.state = 'cancelled')
)
EXECUTE FUNCTION picketline_only_cancels();
"""
NO_RULE = """
DROP TRIGGER picketline_only_cancels ON picketline_delivery;
DROP FUNCTION picketline_only_cancels();
"""


class Migration(migrations.Migration):
    dependencies = [("picketline", "0003_recalled_mails")]

    operations = [migrations.RunSQL(RULE, NO_RULE)]
