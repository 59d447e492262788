import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appliances', '0010_registry'),
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('openpgp', 'OpenPGP'), ('ssh', 'SSH')], max_length=8)),
                ('number', models.PositiveIntegerField(help_text='1 is the first of its kind; each rotation makes the next.')),
                ('public', models.TextField(help_text='As its programs read it.')),
                ('fingerprint', models.CharField(help_text='As its programs show it.', max_length=64)),
                ('ciphertext', models.BinaryField(help_text='The encrypted private part; empty once it is retired.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(blank=True, help_text='From then on it signs nothing.', null=True)),
            ],
            options={
                'ordering': ['kind', '-number'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'number'), name='one_signing_key_per_number')],
            },
        ),
        migrations.CreateModel(
            name='Signature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form', models.CharField(help_text="What kind of signature: detached, clear, or SSH's namespace.", max_length=40)),
                ('digest', models.CharField(help_text='SHA-256 of what is signed, in hex.', max_length=64)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='signatures', to='appliances.signingkey')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key', 'form', 'digest'), name='one_signature_per_content')],
            },
        ),
    ]
